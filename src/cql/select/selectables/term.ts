import type { ColumnSpecification } from '../../../model/query-result.ts'
import { type CqlType, preferredType } from '../../../types/index.ts'
import type { Assignment } from '../../functions/function.ts'
import type * as raw from '../../raw/index.ts'
import { type PrepareContext, prepareTerm, termText, testAssignment } from '../../term.ts'
import { cannotInfer, type Selectable, type SelectionScope, type SelectorFactory } from '../selectable.ts'

/** A literal, NULL or a bind marker (`Selectable.WithTerm`). */
export class TermSelectable implements Selectable {
  readonly term: raw.Literal | raw.BindMarker
  readonly #context: PrepareContext

  constructor(term: raw.Literal | raw.BindMarker, context: PrepareContext) {
    this.term = term
    this.#context = context
  }

  get text(): string {
    return termText(this.term)
  }

  /** Most constants may be of several types. */
  get exactType(): null {
    return null
  }

  get knownType(): CqlType | null {
    const { term } = this
    if (term.kind !== 'literal' || term.type === 'null') return null
    return preferredType({ kind: term.type, text: term.text })
  }

  testAssignment(receiver: ColumnSpecification): Assignment {
    return testAssignment(this.term, receiver, this.#context)
  }

  selects(): boolean {
    return false
  }

  select(scope: SelectionScope, expected: CqlType | null): SelectorFactory {
    if (expected === null) throw cannotInfer(this)
    // All bind markers of a selection have the same name.
    const term = prepareTerm(this.term, scope.specification('[selection]', expected), scope.context)
    const index = scope.constant({ kind: 'value', term })
    return { source: { kind: 'constant', index }, type: expected, name: this.text }
  }
}
