/** A plugin of rolldown, and of Vite. */
export function breaking(name: string): {
  readonly name: string
  transform(code: string, id: string): { code: string; map: null } | null
}
