/** A break of a rule: `search` is in the file once, and is replaced. */
export interface Break {
  readonly name: string
  readonly rule: string
  readonly file: string
  readonly search: string
  readonly replace: string
  /** Parts of the workload that it is looked for with, by commas; all of them otherwise. */
  readonly parts?: string
  /** Tests that find it, where it is not the simulator of clusters that does. */
  readonly by?: string
}

export const BREAKS: readonly Break[]
