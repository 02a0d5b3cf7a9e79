/** Roles, users, identities, permissions. */

import type { FunctionName, QualifiedName, RawType } from './names.ts'

export type PermissionName =
  | 'CREATE'
  | 'ALTER'
  | 'DROP'
  | 'SELECT'
  | 'MODIFY'
  | 'AUTHORIZE'
  | 'DESCRIBE'
  | 'EXECUTE'
  | 'UNMASK'
  | 'SELECT_MASKED'

export type RawResource =
  | { readonly kind: 'allKeyspaces' }
  | { readonly kind: 'keyspace'; readonly keyspace: string }
  /** `ALL TABLES IN KEYSPACE ks`. */
  | { readonly kind: 'allTables'; readonly keyspace: string }
  | { readonly kind: 'table'; readonly table: QualifiedName }
  | { readonly kind: 'allRoles' }
  | { readonly kind: 'role'; readonly role: string }
  | { readonly kind: 'allFunctions'; readonly keyspace: string | null }
  | { readonly kind: 'function'; readonly name: FunctionName; readonly argTypes: readonly RawType[] }
  | { readonly kind: 'allMBeans' }
  /** A JMX object name, canonical; `MBEANS` takes a pattern. */
  | { readonly kind: 'mbean'; readonly name: string }

/** Access to data centers: of `ACCESS TO ALL DATACENTERS` 'all'. */
export type AccessList = 'all' | readonly string[]

export interface RoleOptions {
  readonly password?: string
  readonly hashedPassword?: string
  readonly superuser?: boolean
  readonly login?: boolean
  readonly options?: ReadonlyMap<string, string>
  readonly datacenters?: AccessList
  readonly cidrGroups?: AccessList
}

/** `legacyUser`: written as CREATE USER, which implies LOGIN = true. */
export interface CreateRoleStatement {
  readonly kind: 'createRole'
  readonly role: string
  readonly ifNotExists: boolean
  readonly options: RoleOptions
  readonly legacyUser: boolean
}

export interface AlterRoleStatement {
  readonly kind: 'alterRole'
  readonly role: string
  readonly ifExists: boolean
  readonly options: RoleOptions
  readonly legacyUser: boolean
}

export interface DropRoleStatement {
  readonly kind: 'dropRole'
  readonly role: string
  readonly ifExists: boolean
  readonly legacyUser: boolean
}

export interface ListRolesStatement {
  readonly kind: 'listRoles'
  /** OF role. */
  readonly role: string | null
  readonly recursive: boolean
}

export interface ListUsersStatement {
  readonly kind: 'listUsers'
}

export interface AddIdentityStatement {
  readonly kind: 'addIdentity'
  readonly identity: string
  readonly role: string
  readonly ifNotExists: boolean
}

export interface DropIdentityStatement {
  readonly kind: 'dropIdentity'
  readonly identity: string
  readonly ifExists: boolean
}

export interface GrantPermissionsStatement {
  readonly kind: 'grantPermissions'
  /** 'all' for ALL [PERMISSIONS]; filtered by what the resource can have. */
  readonly permissions: 'all' | readonly PermissionName[]
  readonly resource: RawResource
  readonly role: string
}

export interface RevokePermissionsStatement {
  readonly kind: 'revokePermissions'
  readonly permissions: 'all' | readonly PermissionName[]
  readonly resource: RawResource
  readonly role: string
}

export interface ListPermissionsStatement {
  readonly kind: 'listPermissions'
  readonly permissions: 'all' | readonly PermissionName[]
  readonly resource: RawResource | null
  readonly role: string | null
  readonly recursive: boolean
}

export interface GrantRoleStatement {
  readonly kind: 'grantRole'
  readonly role: string
  readonly grantee: string
}

export interface RevokeRoleStatement {
  readonly kind: 'revokeRole'
  readonly role: string
  readonly revokee: string
}

export type AuthStatement =
  | CreateRoleStatement
  | AlterRoleStatement
  | DropRoleStatement
  | ListRolesStatement
  | ListUsersStatement
  | AddIdentityStatement
  | DropIdentityStatement
  | GrantPermissionsStatement
  | RevokePermissionsStatement
  | ListPermissionsStatement
  | GrantRoleStatement
  | RevokeRoleStatement
