import { ConsistencyLevel as Level } from '../../src/common/errors.ts'

/** How many replicas a write that was acknowledged is at, or a read has asked, and where. */
export interface Guarantee {
  readonly level: Level
  /** Of the coordinator. */
  readonly dataCenter: string
}

/** Whether what was acknowledged by `write` must be seen by `read`: some replica has taken part in both. */
export function overlaps(write: Guarantee, read: Guarantee, dataCenters: number): boolean {
  const [w, r] = [write, read].map(({ level }) =>
    level === Level.LOCAL_QUORUM && dataCenters === 1 ? Level.QUORUM : level,
  ) as [Level, Level]
  if (w === Level.ANY) return false
  if (w === Level.ALL || r === Level.ALL) return true
  const isWide = (level: Level): boolean => level === Level.QUORUM || level === Level.EACH_QUORUM
  if (isWide(w) && isWide(r)) return true
  if (w === Level.EACH_QUORUM && r === Level.LOCAL_QUORUM) return true
  if (w === Level.LOCAL_QUORUM && r === Level.EACH_QUORUM) return true
  return w === Level.LOCAL_QUORUM && r === Level.LOCAL_QUORUM && write.dataCenter === read.dataCenter
}

/** Whether it is a write at more than half of all replicas, wherever it was asked for. */
export function isStrong(level: Level, dataCenters: number): boolean {
  return (
    level === Level.QUORUM ||
    level === Level.ALL ||
    level === Level.EACH_QUORUM ||
    (level === Level.LOCAL_QUORUM && dataCenters === 1)
  )
}
