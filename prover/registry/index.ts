/**
 * The engine on a chain: deploying, feeding, reading and moving it, and the files that go between.
 *
 * @module zk-risk-engine/contracts
 */
export {
  type Artifact,
  artifactOf,
  type ContractName,
  ContractsNotBuiltError,
  interfaceOf,
  verifierArtifactOf,
} from './artifacts.ts'
export type { Attestation } from './attestation.ts'
export { DiskFullError, FileWriteError } from './atomicFile.ts'
export {
  type BatchFileOptions,
  type FileBatch,
  parseBatchFile,
  readBatchFile,
  UnknownMarketError,
} from './market/batchFile.ts'
export {
  type Bundle,
  type BundlePins,
  type BundleVerdict,
  buildOf,
  checkBundle,
  formatBundle,
  type InboxPosition,
  parseBundle,
  readBundle,
  UnknownModelError,
  writeBundle,
} from './market/bundle.ts'
export { SubmissionHiddenError } from './calls.ts'
export type { Alarm, AlarmKind } from './market/alarms.ts'
export { AlarmWatch, type WatchOptions } from './market/alarmWatch.ts'
export type { ClaimResult } from './claims.ts'
export { connectProvider, type RpcAddress } from './chain.ts'
export { RpcUnreachableError, WrongChainError, WrongGenesisError } from './endpoints/endpoints.ts'
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
export { type ClientOptions, NoProviderError, NoSignerError, RegistryMissingError } from './connection.ts'
export { ContractRevertError, RpcError } from './contractErrors.ts'
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
export { LayoutOfAnotherKindError, LayoutUnknownError, layoutKinds, portfolioStatementNames } from './layouts.ts'
export { addShadow, promoteShadow, removeShadow, type ShadowCall, setPromotionPolicy } from './market/shadows.ts'
export { ModelDisabledError, type ModelOnChain, ModelUnknownError } from './models.ts'
export { offlineContext, UnknownCircuitError } from './offlineContext.ts'
export {
  type AccountBooks,
  ExpiryUnknownError,
  type ProvenPortfolio,
  type ReportedAccount,
} from './portfolio/calldata.ts'
export {
  type AccountReport,
  AccountUnreportedError,
  type Landed,
  PortfolioClient,
  type ProvenMargin,
} from './portfolio/client.ts'
export {
  defaultPortfolioFreshness,
  deployPortfolio,
  type PortfolioDeployment,
  type PortfolioDeployOptions,
  type PortfolioFreshness,
  type PortfolioModelToDeploy,
  policyWordsOf,
} from './portfolio/deploy.ts'
export {
  attestRound,
  type AttestedRound,
  publishRound,
  roundIdOf,
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
