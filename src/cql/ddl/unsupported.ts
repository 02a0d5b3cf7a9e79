/** The one place where a statement of later work is refused. */

import { InvalidRequestError } from '../../common/errors.ts'

export function notSupported(what: string): never {
  throw new InvalidRequestError(`${what} is not supported yet`)
}
