/** Paxos: what the rest of the house needs of it. */
export { type AcceptorParts, PaxosAcceptor } from './acceptor.ts'
export {
  DEFAULT_PAXOS_TIMEOUTS,
  Paxos,
  type PaxosOperation,
  type PaxosParts,
  type PaxosProposal,
  type PaxosTimeouts,
} from './paxos.ts'
