/** A thread that computes the report's sections on past crashes and keeps them where the report looks for them. */
import { defaultPolicy } from '../../parameters/defaultPolicy.ts'
import { keptCrashSections } from './crashStudies.ts'

keptCrashSections(defaultPolicy)
