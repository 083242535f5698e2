/** Answers that settle in the order in which they were asked for, whichever is there first. */
export class OrderedAnswers {
  private last: Promise<unknown> = Promise.resolve()

  add<Answer>(answer: Promise<Answer>): Promise<Answer> {
    // A failure is told by the promise that is returned; until its turn comes nobody listens to this one.
    answer.catch(() => {})
    const inTurn = this.last.then(() => answer)
    this.last = inTurn.catch(() => {})
    return inTurn
  }
}
