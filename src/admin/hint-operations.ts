import { parseEndpoint } from '../cluster/endpoint.ts'
import type { WriteKeeping } from '../cluster/write-keeping.ts'
import {
  type AdminNode,
  type Arguments,
  BadUseError,
  type Json,
  numberOf,
  type Operation,
  textOf,
} from './admin-node.ts'

/** Verbs about hints and the batchlog (`HintsServiceMBean`, `BatchlogManagerMBean`). */
export const HINT_OPERATIONS: Readonly<Record<string, Operation>> = {
  statushandoff: {
    changes: false,
    run: (node) => {
      const { isEnabled, disabledDataCenters } = keepingOf(node).hints.settings
      return { isEnabled, disabledDataCenters: [...disabledDataCenters] }
    },
  },
  enablehandoff: changing(({ hints }) => hints.configure({ isEnabled: true })),
  disablehandoff: changing(({ hints }) => hints.configure({ isEnabled: false })),
  pausehandoff: changing(({ hints }) => hints.pause()),
  resumehandoff: changing(({ hints }) => hints.resume()),
  enablehintsfordc: changing(({ hints }, args) => {
    const enabled = textOf(args, 'dataCenter')
    const disabledDataCenters = hints.settings.disabledDataCenters.filter((name) => name !== enabled)
    hints.configure({ disabledDataCenters })
  }),
  disablehintsfordc: changing(({ hints }, args) => {
    const names = new Set([...hints.settings.disabledDataCenters, textOf(args, 'dataCenter') ?? ''])
    hints.configure({ disabledDataCenters: [...names] })
  }),
  truncatehints: { changes: true, run: truncateHints },
  listpendinghints: { changes: false, run: pendingHints },
  getmaxhintwindow: { changes: false, run: (node) => keepingOf(node).hints.settings.maxWindowMs },
  setmaxhintwindow: changing(({ hints }, args) => hints.configure({ maxWindowMs: wholeOf(args, 'ms') })),
  sethintedhandoffthrottlekb: changing(({ hints }, args) =>
    hints.configure({ throttleBytes: wholeOf(args, 'kib') * KIB }),
  ),
  getbatchlogreplaythrottle: {
    changes: false,
    run: (node) => keepingOf(node).batchlog.settings.throttleBytes / KIB,
  },
  setbatchlogreplaythrottle: changing(({ batchlog }, args) =>
    batchlog.configure({ throttleBytes: wholeOf(args, 'kib') * KIB }),
  ),
  replaybatchlog: {
    changes: true,
    async run(node) {
      await keepingOf(node).batchlog.replay()
      return null
    },
  },
}

const KIB = 1024

function changing(work: (keeping: WriteKeeping, args: Arguments) => void): Operation {
  return {
    changes: true,
    run(node, args) {
      work(keepingOf(node), args)
      return null
    },
  }
}

function keepingOf({ cluster }: AdminNode): WriteKeeping {
  if (cluster === null) throw new Error('The node is alone: there is nobody to keep writes for')
  return cluster.keeping
}

function wholeOf(args: Arguments, name: string): number {
  const value = numberOf(args, name)
  if (value === null || !Number.isInteger(value) || value < 0) {
    throw new BadUseError(`${name} is to be a whole number`)
  }
  return value
}

function truncateHints(node: AdminNode, args: Arguments): Json {
  const { hints } = keepingOf(node)
  const text = textOf(args, 'endpoint')
  if (text === null) {
    hints.truncate()
    return null
  }
  const { membership } = node.cluster!
  const target = parseEndpoint(text)
  const hostId = target === null ? undefined : membership.hostIdOf(target)
  if (hostId === undefined) throw new BadUseError(`Can't delete hints for unknown address ${text}`)
  hints.truncate(hostId)
  return null
}

/** What `PendingHintsInfo` and the failure detector know of the nodes that hints wait for. */
function pendingHints(node: AdminNode): Json {
  const { membership } = node.cluster ?? {}
  return keepingOf(node)
    .hints.pendingHints()
    .map(({ hostId, files, newestMs, oldestMs }) => {
      const endpoint = membership!.endpointOf(hostId)
      const place = endpoint === undefined ? null : membership!.place(endpoint)
      return {
        hostId,
        address: endpoint?.text ?? null,
        rack: place?.rack ?? null,
        dataCenter: place?.dataCenter ?? null,
        isAlive: endpoint === undefined ? null : membership!.isAlive(endpoint),
        files,
        newestMs,
        oldestMs,
      }
    })
}
