import { describe, expect, it } from 'vitest'
import { splitScript } from './script.ts'

const texts = (script: string): string[] => splitScript(script).map(({ text }) => text)

describe('splitScript', () => {
  it.each<[string, readonly string[]]>([
    ['', []],
    [' ;; \n;', []],
    ['-- nothing; here\n/* nor; here */', []],
    ['USE a; USE b', ['USE a', 'USE b']],
    [`INSERT INTO t (a) VALUES ('x;''y'); USE b`, [`INSERT INTO t (a) VALUES ('x;''y')`, 'USE b']],
    ['SELECT ";" FROM t; USE b', ['SELECT ";" FROM t', 'USE b']],
    [`SELECT $$;it's$$ FROM t; USE b`, [`SELECT $$;it's$$ FROM t`, 'USE b']],
    [
      'BEGIN BATCH DELETE FROM t; DELETE FROM u; APPLY BATCH; USE b',
      ['BEGIN BATCH DELETE FROM t; DELETE FROM u; APPLY BATCH', 'USE b'],
    ],
    [
      'begin unlogged batch using timestamp 1 DELETE FROM t apply batch;USE b;',
      ['begin unlogged batch using timestamp 1 DELETE FROM t apply batch', 'USE b'],
    ],
    [
      'CREATE TABLE t (n counter, batch int PRIMARY KEY); USE b',
      ['CREATE TABLE t (n counter, batch int PRIMARY KEY)', 'USE b'],
    ],
    [`INSERT INTO t (a) VALUES ('never ends; USE b`, [`INSERT INTO t (a) VALUES ('never ends; USE b`]],
  ])('cuts %j', (script, statements) => {
    expect(texts(script)).toEqual(statements)
  })

  it('knows the line each statement begins on', () => {
    const lines = splitScript('USE a;\n\n USE b; USE c;\n-- d\nUSE d\n;').map(({ line }) => line)
    expect(lines).toEqual([1, 3, 3, 4])
  })
})
