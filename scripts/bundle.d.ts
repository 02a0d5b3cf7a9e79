/** See bundle.js. */
export declare const STORAGE_WORKER: Readonly<Record<string, string>>
export declare function bundle(
  input: Readonly<Record<string, string>>,
  directory: string,
  format: 'cjs' | 'esm',
  extension: string,
): Promise<void>
