/**
 * Deliberate breaks of rules that a cluster lives by. The simulator has to find each: `npm run proof:breaks` builds the simulator with
 * one of them at a time and runs seeds until one fails. `search` is in the file once. `parts` are those of the workload that the rule is
 * about, where seeds with all of them would come to it too rarely. `by` are other simulations that find what needs more of a coincidence
 * than whole clusters come to.
 *
 * @typedef {{ name: string, rule: string, file: string, search: string, replace: string, parts?: string, by?: string }} Break
 * @type {readonly Break[]}
 */
export const BREAKS = [
  {
    name: 'quorum-off-by-one',
    rule: 'A quorum is more than half of the replicas',
    file: 'src/common/block-for.ts',
    search: 'return (replicas >> 1) + 1',
    replace: 'return Math.max(1, replicas >> 1)',
  },
  {
    name: 'read-repair-not-written',
    rule: 'What a QUORUM read has shown, a later one does not take back: replicas that lacked it have it before it is answered',
    file: 'src/cluster/coordinator/partition-reads.ts',
    search: 'await this.#repairs.repair(plans.view, attempt, task, answers, merge.end)',
    replace: '',
  },
  {
    name: 'digest-mismatch-ignored',
    rule: 'Replicas whose digests differ are asked for their data',
    file: 'src/cluster/coordinator/read-attempt.ts',
    search: 'else if (Buffer.compare(first, digest) !== 0) return false',
    replace: 'else if (Buffer.compare(first, digest) !== 0) return true',
  },
  {
    name: 'hints-dropped',
    rule: 'What a replica missed while it was down is kept for it',
    file: 'src/cluster/hints/hints-service.ts',
    search: 'this.#store(hostId).buffer(hint)',
    replace: 'this.#store(hostId)',
  },
  {
    name: 'hint-deleted-before-it-is-delivered',
    rule: 'Hints are removed when their node has them, and not when they were sent',
    file: 'src/cluster/hints/hints-dispatcher.ts',
    search: "return isWhole && taken.every((one) => one) ? 'delivered' : 'stopped'",
    replace: "return isWhole && taken.length >= 0 ? 'delivered' : 'stopped'",
  },
  {
    name: 'promise-not-kept',
    rule: 'A replica that has promised a round of Paxos answers no earlier one',
    file: 'src/cluster/paxos/acceptor.ts',
    search: 'this.#table.savePromise(partition, ballot, this.#nowSeconds)',
    replace: '',
  },
  {
    name: 'accepted-whatever-was-promised',
    rule: 'A proposal is refused where a later round was promised',
    file: 'src/cluster/paxos/acceptor.ts',
    search: 'if (!mayAccept(state, ballot)) {',
    replace: 'if (!mayAccept(state, ballot) && ballot.ticks < 0n) {',
  },
  {
    name: 'accepted-proposal-not-kept',
    rule: 'A replica remembers what it has accepted',
    file: 'src/cluster/paxos/acceptor.ts',
    search: 'this.#table.saveProposal(partition, proposal, this.#nowSeconds)',
    replace: '',
    parts: 'conditions',
  },
  {
    name: 'unfinished-round-ignored',
    rule: 'A round that may have been agreed on is finished before another begins',
    file: 'src/cluster/paxos/paxos.ts',
    search: 'if (inProgress.update.length > 0 && isAfter(inProgress.ballot, mostRecentCommit.ballot)) {',
    replace: 'if (inProgress.update.length < 0) {',
  },
  {
    name: 'last-commit-not-repaired',
    rule: 'A quorum knows what was committed last before there is another round',
    file: 'src/cluster/paxos/paxos.ts',
    search: 'if (missing.length === 0) return { ballot, contentions }',
    replace: 'return { ballot, contentions }',
    by: 'test/sim/ring/paxos.test.ts',
  },
  {
    name: 'batchlog-not-written',
    rule: 'A logged batch is kept by others before any of it is written',
    file: 'src/cluster/coordinator/batch-writes.ts',
    search: 'await this.#store(batch, keepers, setting)',
    replace: '',
  },
  {
    name: 'batchlog-removed-too-early',
    rule: 'A batch is forgotten when each of its mutations is held by enough replicas',
    file: 'src/cluster/coordinator/batch-writes.ts',
    search: 'await this.#store(batch, keepers, setting)',
    replace: 'await this.#store(batch, keepers, setting)\n    this.#forget(batch.id, keepers)',
    parts: 'batches',
  },
  {
    name: 'batchlog-not-replayed',
    rule: 'Batches whose coordinator died are finished by those that keep them',
    file: 'src/cluster/batchlog/batchlog-manager.ts',
    search: '      replay.send()\n',
    replace: '      finished.push(id)\n      continue\n',
    parts: 'batches',
  },
  {
    name: 'counter-shards-by-greatest-count',
    rule: 'Of two states of a shard the one with the greater clock counts',
    file: 'src/model/counter-context.ts',
    search: 'compare64(x.getInt32(i + 16), x.getInt32(i + 20), y.getInt32(j + 16), y.getInt32(j + 20)) ||',
    replace: '',
  },
  {
    name: 'counter-read-before-it-is-added-to-is-left-out',
    rule: 'A leader adds to the shard that it has',
    file: 'src/cluster/coordinator/counter-shards.ts',
    search: 'const count = BigInt.asIntN(64, (shard?.count ?? 0n) + delta)',
    replace: 'const count = BigInt.asIntN(64, delta)',
  },
  {
    name: 'tombstones-left-out-of-answers',
    rule: 'Replicas tell of deletions, or what they cover comes back from others',
    file: 'src/cluster/replica/read-response.ts',
    search: 'this.#encoder.row(this.#out, row, at, 0)\n    if (this.#isLive(row, at)) {',
    replace: 'if (this.#isLive(row, at)) {\n      this.#encoder.row(this.#out, row, at, 0)',
    parts: 'registers',
  },
  {
    name: 'acknowledged-before-it-is-synced',
    rule: 'With commitlog_sync batch a write is on stable storage before it is acknowledged',
    file: 'src/storage/commitlog/commit-log.ts',
    search: "return this.#dirty ? this.sync() : (this.#running ?? null)\n      case 'group'",
    replace: "return null\n      case 'group'",
  },
  {
    name: 'generation-used-again',
    rule: 'A node that starts again says so: its generation is greater than any it had before',
    file: 'src/node/identity.ts',
    search: 'gossip_generation: nextGeneration(generation as number | null, clock.nowMs()),',
    replace: 'gossip_generation: generation ?? nextGeneration(null, clock.nowMs()),',
  },
  {
    name: 'schema-not-pulled',
    rule: 'A node that hears of another schema asks for it',
    file: 'src/cluster/schema/schema-distribution.ts',
    search: 'peer.isAsked = true\n',
    replace: 'peer.isAsked = true\n    if (peer.isAsked) return\n',
  },
  {
    name: 'failure-counts-as-acknowledgement',
    rule: 'A write is acknowledged by replicas that have it',
    file: 'src/cluster/coordinator/write-callback.ts',
    search: 'const reasons = (this.#reasons ??= new Map())',
    replace:
      'if (this.#counts(from)) return this.#acknowledge(from.dataCenter)\n    const reasons = (this.#reasons ??= new Map())',
  },
  {
    name: 'answers-good-beyond-their-ends',
    rule: 'Merged answers are good up to where the first of the replicas stopped',
    file: 'src/cluster/coordinator/response-merge.ts',
    search: 'if (least === null || this.#compare(place, least) < 0) least = place',
    replace: 'if (least === null || this.#compare(place, least) > 0) least = place',
    by: 'test/coordinator/random-ring.test.ts',
  },
]
