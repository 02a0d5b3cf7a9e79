/** The batchlog: what the rest of the house needs of it. */
export { type Batch, encodeBatch } from './batch.ts'
export { BatchlogManager, type BatchlogParts } from './batchlog-manager.ts'
export { type BatchlogSettings, DEFAULT_BATCHLOG_SETTINGS } from './settings.ts'
