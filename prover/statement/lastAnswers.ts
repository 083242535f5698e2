/** Answers that always are the same and take long: the last ones are kept while a process runs. */
import { createHash } from 'node:crypto'

export class LastAnswers<Answer> {
  private readonly kept = new Map<string, Answer>()
  private readonly most: number

  /** @param most - how many are kept; of more, the one goes that was asked for longest ago */
  constructor(most: number) {
    this.most = most
  }

  /** @param question - all that the answer depends on, of any length: a hash of it is kept */
  async answer(question: string, find: () => Promise<Answer>): Promise<Answer> {
    const key = createHash('sha256').update(question).digest('base64')
    const known = this.kept.get(key)
    const answer = known === undefined ? await find() : known
    this.kept.delete(key)
    this.kept.set(key, answer)
    const [oldest] = this.kept.keys()
    if (this.kept.size > this.most && oldest !== undefined) this.kept.delete(oldest)
    return answer
  }
}
