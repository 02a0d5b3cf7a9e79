import { createHash, timingSafeEqual } from 'node:crypto'
import { AuthenticationError } from '../common/errors.ts'
import type { Authenticator, SaslNegotiator } from './authenticator.ts'

/** Whether a user has that password. Checking a hash takes long, so it may answer later. */
export type PasswordCheck = (user: string, password: string) => boolean | Promise<boolean>

/** The one superuser there is before roles are. */
const SUPERUSER = 'cassandra'
const SUPERUSER_PASSWORD = 'cassandra'

/** Users and passwords by SASL PLAIN (`PasswordAuthenticator`). */
export class PasswordAuthenticator implements Authenticator {
  readonly className = 'org.apache.cassandra.auth.PasswordAuthenticator'
  readonly requiresAuthentication = true
  private readonly check: PasswordCheck

  constructor(check: PasswordCheck = isSuperuser) {
    this.check = check
  }

  newNegotiator(): SaslNegotiator {
    return new PlainNegotiator(this.check)
  }
}

function isSuperuser(user: string, password: string): boolean {
  return user === SUPERUSER && timingSafeEqual(digest(password), digest(SUPERUSER_PASSWORD))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** One response: authorization id, NUL, user, NUL, password (RFC 4616). The authorization id is ignored. */
class PlainNegotiator implements SaslNegotiator {
  isComplete = false
  private user = ''
  private password = ''
  private readonly check: PasswordCheck

  constructor(check: PasswordCheck) {
    this.check = check
  }

  evaluateResponse(token: Uint8Array): null {
    const { user, password } = decodeCredentials(token)
    this.user = user
    this.password = password
    this.isComplete = true
    return null
  }

  authenticatedUser(): string | Promise<string> {
    const { user } = this
    const isRight = this.check(user, this.password)
    if (typeof isRight === 'boolean') return accept(user, isRight)
    return isRight.then((right) => accept(user, right))
  }
}

function accept(user: string, isRight: boolean): string {
  if (isRight) return user
  throw new AuthenticationError(`Provided username ${user} and/or password are incorrect`)
}

/** Read from the end, as Cassandra does: that decides which text a malformed token is answered with. */
function decodeCredentials(token: Uint8Array): { user: string; password: string } {
  const parts: string[] = []
  let end = token.length
  for (let i = token.length - 1; i >= 0; i--) {
    if (token[i] !== 0) continue
    if (parts.length === 2) {
      throw new AuthenticationError(
        'Credential format error: username or password is empty or contains NUL(\\0) character',
      )
    }
    parts.push(Buffer.from(token.subarray(i + 1, end)).toString())
    end = i
  }
  const [password, user] = parts
  if (password === undefined || password === '') throw new AuthenticationError('Password must not be null')
  if (user === undefined || user === '') throw new AuthenticationError('Authentication ID must not be null')
  return { user, password }
}
