import { ProtocolError } from '../common/errors.ts'

/** The version answered with while a connection has none of its own (`ProtocolVersion.CURRENT`). */
export const CURRENT_VERSION = 5
/** Spoken only when every frame carries the USE_BETA flag. */
export const BETA_VERSION = 6

const MIN_VERSION = 3

/** As SUPPORTED lists them (`ProtocolVersion.supportedVersions`). */
export const SUPPORTED_VERSIONS: readonly string[] = ['3/v3', '4/v4', '5/v5', '6/v6-beta']

/** `ProtocolVersion.toString()`. */
export function versionName(version: number): string {
  return version === BETA_VERSION ? '6/v6-beta' : `${version}/v${version}`
}

/**
 * Null when `version` may be spoken, otherwise the error that makes a driver downgrade. Versions 1 and 2 are
 * answered in their own version, and so with the 8-byte header they had (`forcedVersion`).
 */
export function rejectVersion(version: number, allowOlder: boolean): ProtocolError | null {
  if (version < MIN_VERSION || version > BETA_VERSION) {
    return new ProtocolError(
      `Invalid or unsupported protocol version (${version}); supported versions are (${SUPPORTED_VERSIONS.join(', ')})`,
    )
  }
  if (!allowOlder && version < CURRENT_VERSION) {
    return new ProtocolError(
      `Rejecting Protocol Version ${versionName(version)} < ${versionName(CURRENT_VERSION)}.`,
    )
  }
  return null
}
