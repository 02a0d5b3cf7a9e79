import { bytesEqual } from '../../common/bytes.ts'

export {
  type CollectionType,
  type CqlType,
  componentTypes,
  fieldPath,
  listType,
  native,
  setType,
  type UserType,
  unpackList,
  unpackMap,
  unpackSet,
  unpackTuple,
  unwrapReversed,
} from '../../types/index.ts'

export const bytesEqualAt = bytesEqual
