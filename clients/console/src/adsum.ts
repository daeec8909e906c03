// The package that this console is a client of: the only place that says where it is.

export * from "../../typescript/src/index.js";
export {
  type AccessRule,
  AccessRuleFetch,
  type Act,
  AdministerAct,
  type Change,
  ChangeDeliveryReceipts,
  ChangeWhat,
  type Document,
  type DomainState,
  type Explanation,
  type Key,
  type OpenInvite,
  PresenceBodyReason,
  type PrincipalState,
  type QuotaState,
  ReceiptBodyKind,
  type Shown as ShownParts,
  SubscriptionState,
  TupleBasic,
  type WatcherBody,
  WatcherBodyState,
  WelcomeRole,
} from "../../typescript/src/protocol.js";
