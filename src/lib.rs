//! virt-guard keeps OpenShift Virtualization and KubeVirt clusters upgradeable: one policy engine behind three doors
//! (`check` over manifests, `report` over a cluster or a dump, `serve` at admission).
//!
//! The map of this house; an arrow means "may import", and `tests/layers.rs` holds it:
//!
//! ```text
//! cli -> everything below        server -> admission -> engine
//! engine -> policy, facts, drain, inventory, finding
//! report -> finding              policy -> cel, finding        facts -> inventory, cel
//! everyone -> source -> object   cluster -> facts
//! ```
//!
//! | module | knows |
//! |---|---|
//! | [`object`] | a parsed document (`Tree`), a value in it (`Node`), where it stands (`Path`, `Location`), what was read (`Evidence`) and what is missing (`Missing`) |
//! | [`source`] | text with positions: YAML and JSON into trees, Lists, several documents |
//! | [`inventory`] | the objects that can be seen, three-valued: found, absent, not seen |
//! | [`cel`] | Kubernetes' CEL: parse, check, compile, evaluate, explain |
//! | [`facts`] | what KubeVirt, OLM and OpenShift would conclude about an object |
//! | [`policy`] | Kubernetes' policy documents: match, evaluate, ratchet, patch, cases |
//! | [`finding`] | what a failed validation becomes, and a scan of many |
//! | [`engine`] | where policies, facts and inventory meet |
//! | [`admission`] | AdmissionReview bytes in, AdmissionReview bytes out |
//! | [`cluster`] | an inventory that follows a cluster, by list and watch |
//! | [`server`] | the webhook: sockets, TLS, HTTP, certificates |
//! | [`report`] | findings for people and machines |
//! | [`cli`] | one file per command |

pub mod admission;
pub mod cel;
pub mod cli;
pub mod cluster;
pub mod engine;
pub mod facts;
pub mod finding;
pub mod inventory;
pub mod object;
pub mod policy;
pub mod report;
pub mod server;
pub mod source;
