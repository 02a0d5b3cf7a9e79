import { describe, expect, it } from 'vitest'
import { AllowAllAuthenticator, PasswordAuthenticator } from './index.ts'

const token = (...parts: readonly string[]): Buffer => Buffer.from(parts.join('\0'))

describe('PasswordAuthenticator', () => {
  const login = (credentials: Uint8Array): string | null | Promise<string | null> => {
    const negotiator = new PasswordAuthenticator().newNegotiator()
    expect(negotiator.evaluateResponse(credentials)).toBeNull()
    expect(negotiator.isComplete).toBe(true)
    return negotiator.authenticatedUser()
  }

  it('knows the superuser, with or without an authorization id', () => {
    expect(login(token('', 'cassandra', 'cassandra'))).toBe('cassandra')
    expect(login(token('somebody', 'cassandra', 'cassandra'))).toBe('cassandra')
  })

  it.each([
    [token('', 'cassandra', 'nope'), 'Provided username cassandra and/or password are incorrect'],
    [token('', 'nosuch', 'cassandra'), 'Provided username nosuch and/or password are incorrect'],
    [token('cassandra'), 'Password must not be null'],
    [token('', 'cassandra', ''), 'Password must not be null'],
    [token(''), 'Password must not be null'],
    [token('', '', 'x'), 'Authentication ID must not be null'],
    [
      token('', 'a', 'b', 'c'),
      'Credential format error: username or password is empty or contains NUL(\\0) character',
    ],
  ])('refuses %j in the words of Cassandra', (credentials, text) => {
    expect(() => login(credentials)).toThrow(text)
  })

  it('waits for a check that takes its time', async () => {
    const authenticator = new PasswordAuthenticator(async (user, password) => user === password)
    const negotiator = authenticator.newNegotiator()
    negotiator.evaluateResponse(token('', 'same', 'same'))
    expect(await negotiator.authenticatedUser()).toBe('same')
    const other = authenticator.newNegotiator()
    other.evaluateResponse(token('', 'one', 'two'))
    await expect(other.authenticatedUser()).rejects.toThrow(
      'Provided username one and/or password are incorrect',
    )
  })
})

describe('AllowAllAuthenticator', () => {
  it('lets anybody in', () => {
    const negotiator = new AllowAllAuthenticator().newNegotiator()
    expect(negotiator.evaluateResponse(new Uint8Array(0))).toBeNull()
    expect(negotiator.authenticatedUser()).toBeNull()
  })
})
