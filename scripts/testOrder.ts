/** What Vitest is told of times: it starts with the longest files, and keeps how long each took. */
import { BaseSequencer, type Reporter, type TestModule, type TestSpecification } from 'vitest/node'
import { keepTimes, secondsOf } from './tools/testTimes.ts'

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const seconds = secondsOf()
    return files.toSorted((a, b) => seconds(b.moduleId) - seconds(a.moduleId))
  }
}

export default class TimesReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const times = modules.map((module) => {
      const { prepareDuration, collectDuration, setupDuration, duration } = module.diagnostic()
      const milliseconds = prepareDuration + collectDuration + setupDuration + duration
      return [module.moduleId, Math.round(milliseconds) / 1000] as const
    })
    keepTimes(times)
  }
}
