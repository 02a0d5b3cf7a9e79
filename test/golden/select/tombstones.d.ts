/** A query, its warnings or the message of its error, and its number of rows. */
export type Answer = readonly [query: string, warnings: readonly string[] | string | null, rows?: number]

export function readTombstones(host: string, port: number): Promise<Answer[]>
