/** Bytes that several may borrow from (`net/ResourceLimits.java`). */
export class ResourceLimit {
  readonly limit: number
  using = 0

  constructor(limit: number) {
    this.limit = limit
  }
}

/**
 * The bytes of one queue: a capacity of its own, and beyond it a loan from what its peer's connections share and from
 * what all share (`ResourceLimits.EndpointAndGlobal`).
 */
export class QueueCapacity {
  readonly #own: number
  readonly #endpoint: ResourceLimit
  readonly #global: ResourceLimit
  /** Bytes in the queue, and those of them that are borrowed. */
  using = 0
  #borrowed = 0

  constructor(own: number, endpoint: ResourceLimit, global: ResourceLimit) {
    this.#own = own
    this.#endpoint = endpoint
    this.#global = global
  }

  /** Takes `bytes`; false when there is no room. `mayBorrow` is false where only the own capacity counts. */
  acquire(bytes: number, mayBorrow: boolean = true): boolean {
    const loan = Math.max(0, this.using + bytes - this.#own) - this.#borrowed
    if (loan > 0) {
      if (!mayBorrow) return false
      const { limit, using } = this.#endpoint
      if (using + loan > limit || this.#global.using + loan > this.#global.limit) return false
      this.#lend(loan)
    }
    this.using += bytes
    return true
  }

  /** Takes `bytes` whether there is room or not. */
  take(bytes: number): void {
    this.using += bytes
    this.#lend(Math.max(0, this.using - this.#own) - this.#borrowed)
  }

  release(bytes: number): void {
    this.using -= bytes
    this.#lend(Math.max(0, this.using - this.#own) - this.#borrowed)
  }

  #lend(bytes: number): void {
    this.#borrowed += bytes
    this.#endpoint.using += bytes
    this.#global.using += bytes
  }
}
