/**
 * The compiler's settings where code is to be right and made soon: the few steps of the optimiser that keep the stack within reach.
 */
export const hastySettings = {
  evmVersion: 'cancun',
  viaIR: true,
  optimizer: {
    enabled: true,
    runs: 1,
    details: {
      constantOptimizer: false,
      cse: false,
      deduplicate: false,
      inliner: false,
      jumpdestRemover: false,
      orderLiterals: false,
      peephole: false,
      yul: true,
      yulDetails: { stackAllocation: true, optimizerSteps: 'dhfoDgvulfrcu:' },
    },
  },
} as const
