/** Paxos: what the rest of the house needs of it. */
export { type AcceptorParts, PaxosAcceptor } from './acceptor.ts'
export { Paxos, type PaxosOperation, type PaxosParts, type PaxosProposal } from './paxos.ts'
export { DEFAULT_PAXOS_TIMEOUTS, type PaxosTimeouts } from './settings.ts'
