/** Hints: what the rest of the house needs of them. */
export { HintHandler, type HintHandlerParts } from './hint-handler.ts'
export { HintsMetrics } from './hints-metrics.ts'
export { type HintsParts, HintsService } from './hints-service.ts'
export type { PendingHints } from './hints-store.ts'
export { DEFAULT_HINTS_SETTINGS, type HintsSettings } from './settings.ts'
