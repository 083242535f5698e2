/** The engine on a chain: deploying, feeding, reading and moving it, and the files that go between. */
export {
  type Artifact,
  artifactOf,
  type ContractName,
  ContractsNotBuiltError,
  interfaceOf,
  verifierArtifactOf,
  verifierNameOf,
} from './artifacts.ts'
export type { Attestation } from './attestation.ts'
export {
  type Authority,
  LEAST_COUNCIL_DELAY_SECONDS,
  readAuthority,
  type Right,
  type RoleMember,
} from './authority.ts'
export { DiskFullError, FileWriteError, writeFileAtomic } from './atomicFile.ts'
export {
  type BatchFileOptions,
  type FileBatch,
  parseBatchFile,
  readBatchFile,
  UnknownMarketError,
} from './market/batchFile.ts'
export {
  batchOf,
  type Bundle,
  type BundlePins,
  type BundleVerdict,
  buildOf,
  checkBundle,
  formatBundle,
  type InboxPosition,
  makeBundle,
  parseBundle,
  readBundle,
  UnknownModelError,
  writeBundle,
} from './market/bundle.ts'
export {
  advanceInbox,
  decodeSubmit,
  encodeSubmit,
  extendHead,
  type SubmitCall,
  stateHashOf,
  submitCallOf,
  type UpdateCall,
  unpackObservations,
} from './market/calldata.ts'
export { SubmissionHiddenError } from './calls.ts'
export type { ClaimResult } from './claims.ts'
export { connectProvider, RpcUnreachableError, WrongChainError } from './chain.ts'
export {
  type CurrentMarket,
  InboxUnreadableError,
  type LeftOut,
  type ListedShadow,
  MarketUnknownError,
  type NextBatch,
  type NothingToDo,
  RegistryClient,
  StateUnreadableError,
  type Submitted,
  WrongRegistryError,
} from './market/client.ts'
export { type HeldMarket, type InForce, readInForce } from './market/inForce.ts'
export { type ClientOptions, NoProviderError, NoSignerError, RegistryMissingError } from './connection.ts'
export { ContractRevertError, RpcError, typedCallError } from './contractErrors.ts'
export {
  addMarket,
  defaultFreshness,
  deployEngine,
  type DeployOptions,
  type MarketToAdd,
  type ModelToDeploy,
  NoFirstObservationError,
} from './market/deploy.ts'
export {
  attestedFeedOf,
  type DeployedFeed,
  type DeployedMarket,
  type DeployedModel,
  type DeployedSource,
  type Deployment,
  DeploymentFieldError,
  type FreshnessPolicy,
  manifestHashOf,
  modelIdOf,
  readDeployment,
  SourceUnknownError,
  sourceOf,
  writeDeployment,
} from './deployment.ts'
export {
  attestObservation,
  type AttestedObservation,
  feedDomain,
  ObservationsNotMinedError,
  observationTypes,
  type SignedObservation,
  submitObservations,
} from './market/feed.ts'
export {
  LayoutOfAnotherKindError,
  LayoutUnknownError,
  layoutKinds,
  portfolioStatementNames,
  registerLayouts,
} from './layouts.ts'
export { addShadow, promoteShadow, removeShadow, type ShadowCall, setPromotionPolicy } from './market/shadows.ts'
export { ModelDisabledError, type ModelOnChain, ModelUnknownError } from './models.ts'
export {
  type AccountBooks,
  arraysCall,
  bookHashOf,
  decodeRegistryCall,
  encodeRegistryCall,
  ExpiryUnknownError,
  portfolioCall,
  type ProvenPortfolio,
  type RegistryCall,
  type ReportedAccount,
  subjectOf,
  witnessCall,
} from './portfolio/calldata.ts'
export {
  type AccountReport,
  AccountUnreportedError,
  type Landed,
  PortfolioClient,
  type ProvenMargin,
} from './portfolio/client.ts'
export { type AccountInForce, readAccount } from './portfolio/inForce.ts'
export {
  defaultPortfolioFreshness,
  deployPortfolio,
  type PortfolioDeployment,
  type PortfolioDeployOptions,
  type PortfolioFreshness,
  type PortfolioModelToDeploy,
  policyWordsOf,
  portfolioModelIdOf,
} from './portfolio/deploy.ts'
export {
  attestRound,
  type AttestedRound,
  expiriesHashOf,
  expiryHashesOf,
  hashOfHashes,
  hashOfWords,
  publishRound,
  roundIdOf,
  roundIdOfHashes,
  RoundNotMinedError,
  roundOf,
  roundsDomain,
  roundTypes,
  type RoundWords,
  type SignedRound,
} from './portfolio/rounds.ts'
export { FileFieldError, NotCanonicalError, SectionChangedError, UnreadableFileError } from './sealedFile.ts'
export { InsufficientFundsError, SignerOffChainError } from './transactions.ts'
export { VerifierOutOfDateError } from './verifiers.ts'
