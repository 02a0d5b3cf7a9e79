import { bytesEqual } from '../../common/bytes.ts'

export {
  type CollectionType,
  componentTypes,
  type CqlType,
  fieldPath,
  listType,
  native,
  setType,
  unpackList,
  unpackMap,
  unpackSet,
  unpackTuple,
  type UserType,
  unwrapReversed,
} from '../../types/index.ts'

export const bytesEqualAt = bytesEqual
