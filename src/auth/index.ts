export type { Authenticator, SaslNegotiator } from './authenticator.ts'
export { AllowAllAuthenticator } from './authenticator.ts'
export type { PasswordCheck } from './password-authenticator.ts'
export { PasswordAuthenticator } from './password-authenticator.ts'
