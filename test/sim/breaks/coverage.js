/** What must have happened in a few hundred seeds: else something is not tested any more. */
export const MUST_HAPPEN = [
  ...['slowLinks', 'lossyLinks', 'brokenConnections', 'oneWayCuts', 'cuts', 'isolations', 'splits'],
  ...['pauses', 'slowDisks', 'clockJumps', 'stops', 'kills', 'powerLosses'],
  ...['WriteTimeoutError', 'ReadTimeoutError', 'UnavailableError', 'TruncateError', 'CasWriteUnknownError'],
  ...['casApplied', 'casRefused', 'casUnknown', 'schemaChanges', 'truncates', 'pagedReads', 'limitedReads'],
  ...['hintsWritten', 'hintsDelivered', 'batchesReplayed', 'unfinishedRoundsRepaired'],
  ...['READ_REPAIR_REQ', 'HINT_REQ', 'COUNTER_MUTATION_REQ', 'SCHEMA_PULL_REQ', 'messagesRepeated'],
]
