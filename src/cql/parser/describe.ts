/** DESCRIBE. */

import type { DescribeStatement, DescribeTarget } from '../raw/index.ts'
import type { Cursor } from './cursor.ts'
import { functionName, isIdentifier, keyspaceName, name, tableName } from './names.ts'
import { plainTypeName } from './schema.ts'
import { T } from './tokens.ts'

export function describe(c: Cursor): DescribeStatement {
  c.at++
  const target = describeTarget(c)
  const withInternals = c.accept(T.K_WITH)
  if (withInternals) c.expect(T.K_INTERNALS)
  return { kind: 'describe', target, withInternals }
}

function describeTarget(c: Cursor): DescribeTarget {
  const kind = c.kind
  const next = c.ahead(1)
  // The singular words may be names as well.
  const alone = next === T.EOF || next === T.SEMICOLON || next === T.K_WITH
  const named = alone || next === T.DOT
  switch (kind) {
    case T.K_CLUSTER:
      c.at++
      return { kind: 'cluster' }
    case T.K_KEYSPACES:
      c.at++
      return { kind: 'keyspaces' }
    case T.K_TABLES:
      c.at++
      return { kind: 'tables' }
    case T.K_TYPES:
      c.at++
      return { kind: 'types' }
    case T.K_FUNCTIONS:
      c.at++
      return { kind: 'functions' }
    case T.K_AGGREGATES:
      c.at++
      return { kind: 'aggregates' }
    case T.K_TYPE:
      if (named) break
      c.at++
      return { kind: 'type', name: plainTypeName(c) }
    case T.K_FUNCTION:
      if (named) break
      c.at++
      return { kind: 'function', name: functionName(c) }
    case T.K_AGGREGATE:
      if (named) break
      c.at++
      return { kind: 'aggregate', name: functionName(c) }
    case T.K_ONLY:
      if (next !== T.K_KEYSPACE) break
      c.at += 2
      return describedKeyspace(c, true)
    case T.K_FULL:
      c.at++
      c.expect(T.K_SCHEMA)
      return { kind: 'schema', full: true }
    case T.K_SCHEMA:
      c.at++
      return { kind: 'schema', full: false }
    case T.K_KEYSPACE:
      c.at++
      return describedKeyspace(c, false)
    case T.K_COLUMNFAMILY:
      c.at++
      return { kind: 'table', name: tableName(c) }
    case T.K_INDEX:
      c.at++
      return { kind: 'index', name: tableName(c) }
    case T.K_MATERIALIZED:
      c.at++
      c.expect(T.K_VIEW)
      return { kind: 'view', name: tableName(c) }
  }
  const first = name(c)
  if (!c.accept(T.DOT)) return { kind: 'generic', keyspace: null, name: first }
  return { kind: 'generic', keyspace: first, name: name(c) }
}

function describedKeyspace(c: Cursor, only: boolean): DescribeTarget {
  const named = isIdentifier(c.kind) || c.kind === T.QMARK
  return { kind: 'keyspace', keyspace: named ? keyspaceName(c) : null, only }
}
