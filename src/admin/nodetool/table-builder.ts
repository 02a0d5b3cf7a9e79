/** A table of texts, each column as wide as its widest (`TableBuilder`). Rows may be of different lengths. */
export class TableBuilder {
  readonly #delimiter: string
  readonly #rows: (readonly string[])[] = []

  constructor(delimiter: string = ' ') {
    this.#delimiter = delimiter
  }

  add(...row: readonly string[]): void {
    this.#rows.push(row)
  }

  get text(): string {
    const widths: number[] = []
    for (const row of this.#rows)
      row.forEach((text, i) => {
        widths[i] = Math.max(widths[i] ?? 0, text.length)
      })
    return this.#rows
      .map((row) => `${widths.map((width, i) => (row[i] ?? '').padEnd(width)).join(this.#delimiter)}\n`)
      .join('')
  }
}
