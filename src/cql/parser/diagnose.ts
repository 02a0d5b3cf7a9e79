export function diagnose(query: string): string {
  return `line 1:0 not yet ${query}`
}
