/** A break of a rule: `search` is in the file once, and is replaced. */
export interface Break {
  readonly name: string
  readonly rule: string
  readonly file: string
  readonly search: string
  readonly replace: string
}

export const BREAKS: readonly Break[]
