/**
 * CQL text to raw statements: hand-written recursive descent over an array of tokens, one function a rule of
 * Cassandra's grammar. It knows no schema, and it never explains an error: that is `diagnose`, which runs only when
 * a statement has failed.
 */

import { SyntaxError as CqlSyntaxError } from '../common/errors.ts'
import * as auth from './parser/auth.ts'
import { Cursor, FAILED } from './parser/cursor.ts'
import { describe } from './parser/describe.ts'
import { diagnose } from './parser/diagnose.ts'
import { lex, newTokens, type Tokens } from './parser/lexer.ts'
import { batch, deletion, insert, truncate, update, use } from './parser/modify.ts'
import * as schema from './parser/schema.ts'
import { select } from './parser/select.ts'
import { T } from './parser/tokens.ts'
import type { ParsedStatement, RawStatement } from './raw/index.ts'

/** Above this many tokens the arrays are given back. */
const TOKENS_KEPT = 16_384

let tokens: Tokens = newTokens()
let cursor = new Cursor(tokens)

/** Parses one statement, with any semicolons behind it. Throws SyntaxError with Cassandra's text. */
export function parse(query: string): ParsedStatement {
  lex(query, tokens, false)
  if (tokens.kinds.length > TOKENS_KEPT) return parseLarge(query)
  return parseTokens(query, cursor)
}

function parseLarge(query: string): ParsedStatement {
  const large = new Cursor(tokens)
  tokens = newTokens()
  cursor = new Cursor(tokens)
  return parseTokens(query, large)
}

function parseTokens(query: string, c: Cursor): ParsedStatement {
  c.reset()
  let parsed: RawStatement
  try {
    parsed = statement(c)
    while (c.accept(T.SEMICOLON));
    c.expect(T.EOF)
  } catch (error) {
    if (error !== FAILED) throw error
    throw new CqlSyntaxError(diagnose(query, c.offset(), c.complaint))
  }
  if (c.complaint !== null) throw new CqlSyntaxError(c.complaint.text)
  return { statement: parsed, bindMarkers: c.bindMarkers }
}

function statement(c: Cursor): RawStatement {
  switch (c.kind) {
    case T.K_SELECT:
      return select(c)
    case T.K_INSERT:
      return insert(c)
    case T.K_UPDATE:
      return update(c)
    case T.K_DELETE:
      return deletion(c)
    case T.K_BEGIN:
      return batch(c)
    case T.K_USE:
      return use(c)
    case T.K_TRUNCATE:
      return truncate(c)
    case T.K_CREATE:
      c.at++
      return create(c)
    case T.K_ALTER:
      c.at++
      return alter(c)
    case T.K_DROP:
      c.at++
      return drop(c)
    case T.K_GRANT:
      return auth.grant(c)
    case T.K_REVOKE:
      return auth.revoke(c)
    case T.K_LIST:
      return auth.list(c)
    case T.K_ADD:
      return auth.addIdentity(c)
    case T.K_DESCRIBE:
    case T.K_DESC:
      return describe(c)
    default:
      return c.fail()
  }
}

function create(c: Cursor): RawStatement {
  const kind = c.kind
  c.at++
  switch (kind) {
    case T.K_KEYSPACE:
      return schema.createKeyspace(c)
    case T.K_COLUMNFAMILY:
      return schema.createTable(c)
    case T.K_TYPE:
      return schema.createType(c)
    case T.K_CUSTOM:
      c.expect(T.K_INDEX)
      return schema.createIndex(c, true)
    case T.K_INDEX:
      return schema.createIndex(c, false)
    case T.K_MATERIALIZED:
      c.expect(T.K_VIEW)
      return schema.createView(c)
    case T.K_TRIGGER:
      return schema.createTrigger(c)
    case T.K_FUNCTION:
      return schema.createFunction(c, false)
    case T.K_AGGREGATE:
      return schema.createAggregate(c, false)
    case T.K_OR:
      c.expect(T.K_REPLACE)
      if (c.accept(T.K_FUNCTION)) return schema.createFunction(c, true)
      c.expect(T.K_AGGREGATE)
      return schema.createAggregate(c, true)
    case T.K_ROLE:
      return auth.createRole(c)
    case T.K_USER:
      return auth.createUser(c)
    default:
      return c.fail()
  }
}

function alter(c: Cursor): RawStatement {
  const kind = c.kind
  c.at++
  switch (kind) {
    case T.K_KEYSPACE:
      return schema.alterKeyspace(c)
    case T.K_COLUMNFAMILY:
      return schema.alterTable(c)
    case T.K_TYPE:
      return schema.alterType(c)
    case T.K_MATERIALIZED:
      c.expect(T.K_VIEW)
      return schema.alterView(c)
    case T.K_ROLE:
      return auth.alterRole(c)
    case T.K_USER:
      return auth.alterUser(c)
    default:
      return c.fail()
  }
}

function drop(c: Cursor): RawStatement {
  const kind = c.kind
  c.at++
  switch (kind) {
    case T.K_KEYSPACE:
      return schema.dropKeyspace(c)
    case T.K_COLUMNFAMILY:
      return schema.dropTable(c)
    case T.K_TYPE:
      return schema.dropType(c)
    case T.K_INDEX:
      return schema.dropIndex(c)
    case T.K_MATERIALIZED:
      c.expect(T.K_VIEW)
      return schema.dropView(c)
    case T.K_TRIGGER:
      return schema.dropTrigger(c)
    case T.K_FUNCTION:
      return schema.dropFunction(c)
    case T.K_AGGREGATE:
      return schema.dropAggregate(c)
    case T.K_ROLE:
      return auth.dropRole(c)
    case T.K_USER:
      return auth.dropUser(c)
    case T.K_IDENTITY:
      return auth.dropIdentity(c)
    default:
      return c.fail()
  }
}
