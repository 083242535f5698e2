/** Puts the number of the mutant at work, from MUTANT_NUMBER, into code that is deployed. */
import type { NetworkHooks } from 'hardhat/types/hooks'
import type { HardhatPlugin } from 'hardhat/types/plugins'
import { NUMBER_MARK } from './mutantSwitch.ts'

/** Code that is the mutant at work. */
export function withMutantNumber(code: string): string {
  const number = process.env.MUTANT_NUMBER
  return number === undefined ? code : code.replaceAll(NUMBER_MARK, Number(number).toString(16).padStart(64, '0'))
}

const numbered = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value
  const { data } = value as { readonly data?: unknown }
  return typeof data === 'string' && data.includes(NUMBER_MARK) ? { ...value, data: withMutantNumber(data) } : value
}

const hooks: Partial<NetworkHooks> = {
  onRequest: (context, connection, request, next) => {
    const params = Array.isArray(request.params) ? request.params.map(numbered) : request.params
    return next(context, connection, { ...request, ...(params === undefined ? {} : { params }) })
  },
}

export const mutantNumbers: HardhatPlugin = {
  id: 'zkrisk-mutants',
  hookHandlers: { network: async () => ({ default: async () => hooks }) },
}
