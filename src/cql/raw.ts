export type * from './raw/index.ts'
