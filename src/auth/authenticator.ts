/** Who a client is (`IAuthenticator`). */
export interface Authenticator {
  /** As AUTHENTICATE names it; drivers choose their SASL mechanism by it. */
  readonly className: string
  readonly requiresAuthentication: boolean
  newNegotiator(clientAddress: string): SaslNegotiator
}

/** One client's SASL exchange (`IAuthenticator.SaslNegotiator`). */
export interface SaslNegotiator {
  /** Takes the client's token and returns the next challenge. Throws an AuthenticationError. */
  evaluateResponse(token: Uint8Array): Uint8Array | null
  readonly isComplete: boolean
  /** The user, or null for anybody; fails with an AuthenticationError. Called once the exchange is complete. */
  authenticatedUser(): string | null | Promise<string | null>
}

const ANYBODY: SaslNegotiator = {
  evaluateResponse: () => null,
  isComplete: true,
  authenticatedUser: () => null,
}

/** Nobody is asked for a password. */
export class AllowAllAuthenticator implements Authenticator {
  readonly className = 'org.apache.cassandra.auth.AllowAllAuthenticator'
  readonly requiresAuthentication = false

  newNegotiator(): SaslNegotiator {
    return ANYBODY
  }
}
