/** Roles, users, identities, permissions: each function starts behind the words that chose it. */

import { SyntaxError as CqlSyntaxError } from '../../common/errors.ts'
import type { AccessList, AuthStatement, PermissionName, RawResource, RoleOptions } from '../raw/index.ts'
import { ifExists, ifNotExists, propertyMap } from './clauses.ts'
import { type Cursor, kindSet } from './cursor.ts'
import { tokenText } from './lexer.ts'
import { functionName, isFunctionName, isIdentifier, keyspaceName, roleName, tableName } from './names.ts'
import { argumentTypes } from './schema.ts'
import { T } from './tokens.ts'

const PERMISSIONS: ReadonlyMap<number, PermissionName> = new Map([
  [T.K_CREATE, 'CREATE'],
  [T.K_ALTER, 'ALTER'],
  [T.K_DROP, 'DROP'],
  [T.K_SELECT, 'SELECT'],
  [T.K_MODIFY, 'MODIFY'],
  [T.K_AUTHORIZE, 'AUTHORIZE'],
  [T.K_DESCRIBE, 'DESCRIBE'],
  [T.K_EXECUTE, 'EXECUTE'],
  [T.K_UNMASK, 'UNMASK'],
  [T.K_SELECT_MASKED, 'SELECT_MASKED'],
])

/** What each kind of resource can grant, and its class in Cassandra's messages. */
const DATA: readonly PermissionName[] = [
  'CREATE',
  'ALTER',
  'DROP',
  'SELECT',
  'MODIFY',
  'AUTHORIZE',
  'UNMASK',
  'SELECT_MASKED',
]
const ROLE: readonly PermissionName[] = ['CREATE', 'ALTER', 'DROP', 'AUTHORIZE', 'DESCRIBE']
const FUNCTION: readonly PermissionName[] = ['CREATE', 'ALTER', 'DROP', 'AUTHORIZE', 'EXECUTE']
const MBEAN: readonly PermissionName[] = ['AUTHORIZE', 'DESCRIBE', 'EXECUTE', 'MODIFY', 'SELECT']

const without = (list: readonly PermissionName[]) => list.filter((permission) => permission !== 'CREATE')

const APPLICABLE: Readonly<Record<RawResource['kind'], readonly [type: string, readonly PermissionName[]]>> =
  {
    allKeyspaces: ['DataResource', DATA],
    keyspace: ['DataResource', DATA],
    allTables: ['DataResource', DATA],
    table: ['DataResource', without(DATA)],
    allRoles: ['RoleResource', ROLE],
    role: ['RoleResource', without(ROLE)],
    allFunctions: ['FunctionResource', FUNCTION],
    function: ['FunctionResource', without(FUNCTION)],
    allMBeans: ['JMXResource', MBEAN],
    mbean: ['JMXResource', MBEAN],
  }

export function grant(c: Cursor): AuthStatement {
  c.at++
  if (isRole(c, T.K_TO)) {
    const role = roleName(c)
    c.expect(T.K_TO)
    return { kind: 'grantRole', role, grantee: roleName(c) }
  }
  const permissions = permissionList(c)
  c.expect(T.K_ON)
  const target = resource(c)
  c.expect(T.K_TO)
  const role = roleName(c)
  return { kind: 'grantPermissions', permissions: applicable(c, permissions, target), resource: target, role }
}

export function revoke(c: Cursor): AuthStatement {
  c.at++
  if (isRole(c, T.K_FROM)) {
    const role = roleName(c)
    c.expect(T.K_FROM)
    return { kind: 'revokeRole', role, revokee: roleName(c) }
  }
  const permissions = permissionList(c)
  c.expect(T.K_ON)
  const target = resource(c)
  c.expect(T.K_FROM)
  const role = roleName(c)
  return {
    kind: 'revokePermissions',
    permissions: applicable(c, permissions, target),
    resource: target,
    role,
  }
}

/** A role may be called all, unmask or select_masked. */
function isRole(c: Cursor, next: number): boolean {
  return (c.kind !== T.K_ALL && !PERMISSIONS.has(c.kind)) || (c.ahead(1) === next && isIdentifier(c.kind))
}

function applicable(
  c: Cursor,
  permissions: 'all' | readonly PermissionName[],
  target: RawResource,
): 'all' | readonly PermissionName[] {
  if (permissions === 'all') return permissions
  const [type, possible] = APPLICABLE[target.kind]
  const kept = permissions.filter((permission) => possible.includes(permission))
  if (kept.length === 0) c.complain(`Resource type ${type} does not support any of the requested permissions`)
  return kept
}

function permissionList(c: Cursor): 'all' | PermissionName[] {
  if (c.accept(T.K_ALL)) {
    c.accept(T.K_PERMISSIONS)
    return 'all'
  }
  const result: PermissionName[] = []
  do {
    const permission = PERMISSIONS.get(c.kind) ?? c.fail()
    c.at++
    c.accept(T.K_PERMISSION)
    if (!result.includes(permission)) result.push(permission)
  } while (c.accept(T.COMMA))
  return result
}

function resource(c: Cursor): RawResource {
  const next = c.ahead(1)
  switch (c.kind) {
    case T.K_ALL:
      switch (next) {
        case T.K_KEYSPACES:
          c.at += 2
          return { kind: 'allKeyspaces' }
        case T.K_TABLES:
          c.at += 2
          c.expect(T.K_IN)
          c.expect(T.K_KEYSPACE)
          return { kind: 'allTables', keyspace: keyspaceName(c) }
        case T.K_ROLES:
          c.at += 2
          return { kind: 'allRoles' }
        case T.K_MBEANS:
          c.at += 2
          return { kind: 'allMBeans' }
        case T.K_FUNCTIONS:
          c.at += 2
          if (!c.accept(T.K_IN)) return { kind: 'allFunctions', keyspace: null }
          c.expect(T.K_KEYSPACE)
          return { kind: 'allFunctions', keyspace: keyspaceName(c) }
      }
      break
    case T.K_KEYSPACE:
      c.at++
      return { kind: 'keyspace', keyspace: keyspaceName(c) }
    case T.K_COLUMNFAMILY:
      c.at++
      break
    case T.K_ROLE:
      if (next !== T.STRING_LITERAL && next !== T.QMARK && !isIdentifier(next)) break
      c.at++
      return { kind: 'role', role: roleName(c) }
    case T.K_FUNCTION:
      if (!isFunctionName(next) && !isIdentifier(next) && next !== T.QMARK) break
      c.at++
      return { kind: 'function', name: functionName(c), argTypes: argumentTypes(c) }
    case T.K_MBEAN:
    case T.K_MBEANS: {
      if (next !== T.STRING_LITERAL) break
      const plural = c.kind === T.K_MBEANS
      c.at++
      return { kind: 'mbean', name: mbeanName(c, plural) }
    }
  }
  return { kind: 'table', table: tableName(c) }
}

/** `domain:key=value,…`: the keys sorted, as JMX's canonical names are. */
function mbeanName(c: Cursor, plural: boolean): string {
  const text = c.string()
  if (text === '') c.complain('Empty JMX object name supplied')
  if (text === '*:*') c.complain('Please use ALL MBEANS instead of wildcard pattern')
  if (text === '') return '*:*'
  const colon = text.indexOf(':')
  const list = text.slice(colon + 1)
  const keys = list.split(',')
  if (
    colon < 0 ||
    list === '' ||
    !keys.every((key) => key === '*' || /^[^=:*?]+=(".*"|[^=:"]+)$/.test(key))
  ) {
    c.complain(`${text} is not a valid JMX object name`)
    return text
  }
  if (plural && !/[*?]/.test(text))
    c.complain(`Plural form used, but non-pattern JMX object name specified (${text})`)
  const star = keys.includes('*')
  const sorted = keys.filter((key) => key !== '*').sort()
  return `${text.slice(0, colon)}:${[...sorted, ...(star ? ['*'] : [])].join(',')}`
}

/** LIST ROLES, LIST USERS, LIST permissions. */
export function list(c: Cursor): AuthStatement {
  c.at++
  if (c.accept(T.K_USERS)) return { kind: 'listUsers' }
  if (c.accept(T.K_ROLES)) {
    const role = c.accept(T.K_OF) ? roleName(c) : null
    return { kind: 'listRoles', role, recursive: !c.accept(T.K_NORECURSIVE) }
  }
  const permissions = permissionList(c)
  const target = c.accept(T.K_ON) ? resource(c) : null
  const role = c.accept(T.K_OF) ? roleName(c) : null
  const recursive = !c.accept(T.K_NORECURSIVE)
  return { kind: 'listPermissions', permissions, resource: target, role, recursive }
}

interface MutableOptions {
  password?: string
  hashedPassword?: string
  superuser?: boolean
  login?: boolean
  options?: ReadonlyMap<string, string>
  datacenters?: AccessList
  cidrGroups?: AccessList
}

function once(given: unknown, option: string): void {
  if (given !== undefined) throw new CqlSyntaxError(`Multiple definition for property '${option}'`)
}

function notBothPasswords(options: MutableOptions): void {
  if (options.password !== undefined && options.hashedPassword !== undefined)
    throw new CqlSyntaxError("Options 'password' and 'hashed password' are mutually exclusive")
}

const USER_NAMES = kindSet([T.IDENT, T.STRING_LITERAL, T.QUOTED_NAME])

/** Of CREATE USER and the identities: unlike a role's name it keeps its case, and may not be in double quotes. */
function userName(c: Cursor, complaint: string): string {
  const kind = c.kind
  if (USER_NAMES[kind] !== 1) c.fail()
  if (kind === T.QUOTED_NAME) c.complain(complaint)
  return tokenText(c.tokens, c.at++)
}

const QUOTED_USER =
  'Quoted strings are are not supported for user names and USER is deprecated, please use ROLE'
const QUOTED_IDENTITY = 'Quoted strings are are not supported for identity'

function userOptions(c: Cursor): MutableOptions {
  const options: MutableOptions = {}
  if (c.accept(T.K_WITH)) {
    if (c.accept(T.K_HASHED)) {
      c.expect(T.K_PASSWORD)
      options.hashedPassword = c.string()
    } else {
      c.expect(T.K_PASSWORD)
      options.password = c.string()
    }
  }
  if (c.accept(T.K_SUPERUSER)) options.superuser = true
  else if (c.accept(T.K_NOSUPERUSER)) options.superuser = false
  return options
}

export function createUser(c: Cursor): AuthStatement {
  const unlessExists = ifNotExists(c)
  const role = userName(c, QUOTED_USER)
  const options = userOptions(c)
  return {
    kind: 'createRole',
    role,
    ifNotExists: unlessExists,
    options: { superuser: false, login: true, ...options },
    legacyUser: true,
  }
}

export function alterUser(c: Cursor): AuthStatement {
  const onlyIfExists = ifExists(c)
  const role = userName(c, QUOTED_USER)
  return { kind: 'alterRole', role, ifExists: onlyIfExists, options: userOptions(c), legacyUser: true }
}

export function dropUser(c: Cursor): AuthStatement {
  const onlyIfExists = ifExists(c)
  return { kind: 'dropRole', role: userName(c, QUOTED_USER), ifExists: onlyIfExists, legacyUser: true }
}

export function addIdentity(c: Cursor): AuthStatement {
  c.at++
  c.expect(T.K_IDENTITY)
  const unlessExists = ifNotExists(c)
  const identity = userName(c, QUOTED_IDENTITY)
  c.expect(T.K_TO)
  c.expect(T.K_ROLE)
  return { kind: 'addIdentity', identity, role: userName(c, QUOTED_IDENTITY), ifNotExists: unlessExists }
}

export function dropIdentity(c: Cursor): AuthStatement {
  const onlyIfExists = ifExists(c)
  return { kind: 'dropIdentity', identity: userName(c, QUOTED_IDENTITY), ifExists: onlyIfExists }
}

export function createRole(c: Cursor): AuthStatement {
  const unlessExists = ifNotExists(c)
  const role = roleName(c)
  const options = roleOptions(c)
  return {
    kind: 'createRole',
    role,
    ifNotExists: unlessExists,
    options: { superuser: false, login: false, ...options },
    legacyUser: false,
  }
}

export function alterRole(c: Cursor): AuthStatement {
  const onlyIfExists = ifExists(c)
  const role = roleName(c)
  return { kind: 'alterRole', role, ifExists: onlyIfExists, options: roleOptions(c), legacyUser: false }
}

export function dropRole(c: Cursor): AuthStatement {
  const onlyIfExists = ifExists(c)
  return { kind: 'dropRole', role: roleName(c), ifExists: onlyIfExists, legacyUser: false }
}

function roleOptions(c: Cursor): RoleOptions {
  const options: MutableOptions = {}
  if (!c.accept(T.K_WITH)) return options
  do roleOption(c, options)
  while (c.accept(T.K_AND))
  notBothPasswords(options)
  return options
}

function roleOption(c: Cursor, options: MutableOptions): void {
  const kind = c.kind
  c.at++
  switch (kind) {
    case T.K_PASSWORD: {
      c.expect(T.EQUAL)
      const password = c.string()
      once(options.password, 'PASSWORD')
      options.password = password
      return
    }
    case T.K_HASHED: {
      c.expect(T.K_PASSWORD)
      c.expect(T.EQUAL)
      const hashed = c.string()
      once(options.hashedPassword, 'HASHED_PASSWORD')
      options.hashedPassword = hashed
      return
    }
    case T.K_OPTIONS: {
      c.expect(T.EQUAL)
      const map = propertyMap(c)
      once(options.options, 'OPTIONS')
      options.options = map
      return
    }
    case T.K_SUPERUSER: {
      const value = boolean(c)
      once(options.superuser, 'SUPERUSER')
      options.superuser = value
      return
    }
    case T.K_LOGIN: {
      const value = boolean(c)
      once(options.login, 'LOGIN')
      options.login = value
      return
    }
    case T.K_ACCESS:
      if (c.accept(T.K_TO)) {
        if (c.accept(T.K_ALL)) {
          c.expect(T.K_DATACENTERS)
          options.datacenters = access(c, options.datacenters, 'all', 'DCs')
          return
        }
        c.expect(T.K_DATACENTERS)
        options.datacenters = access(c, options.datacenters, strings(c), 'DCs')
        return
      }
      c.expect(T.K_FROM)
      if (c.accept(T.K_ALL)) {
        c.expect(T.K_CIDRS)
        options.cidrGroups = access(c, options.cidrGroups, 'all', 'CIDR Groups')
        return
      }
      c.expect(T.K_CIDRS)
      options.cidrGroups = access(c, options.cidrGroups, strings(c), 'CIDR Groups')
      return
    default:
      c.fail()
  }
}

/** Lists add up; a list and ALL exclude one another, which Cassandra says by an unhandled exception. */
function access(c: Cursor, before: AccessList | undefined, given: AccessList, what: string): AccessList {
  if (before === undefined || (before === 'all' && given === 'all')) return given
  if (before === 'all' || given === 'all') {
    const reason = before === 'all' ? 'All has been set' : `${what} have already been set`
    throw new CqlSyntaxError(
      `Failed parsing statement: [${c.tokens.source}] reason: IllegalArgumentException ${reason}`,
    )
  }
  return [...new Set([...before, ...given])]
}

function boolean(c: Cursor): boolean {
  c.expect(T.EQUAL)
  if (c.kind !== T.BOOLEAN) c.fail()
  const value = c.rawText().toLowerCase() === 'true'
  c.at++
  return value
}

function strings(c: Cursor): string[] {
  c.expect(T.LBRACE)
  const result = new Set([c.string()])
  while (c.accept(T.COMMA)) result.add(c.string())
  c.expect(T.RBRACE)
  return [...result]
}
