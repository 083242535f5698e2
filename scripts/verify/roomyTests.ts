/** Which tests hold on a chain without limits (roomyChain.config.ts): all but those of the largest contract, and of gas. */
export const notOfLimits = /^(?!.*(?:fits into the book|cheaper than (?:proof by proof|key by key)))/
