//! What the operator of the webhook decides.

/// Whether denials deny.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Enforcement {
    /// As the bindings say.
    #[default]
    Enforce,
    /// Every denial becomes a warning: a first roll-out.
    Warn,
}

/// How reviews are answered.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether denials deny.
    pub enforcement: Enforcement,
    /// Requests of these always pass, unjudged; see [`Accounts::of_the_platform`].
    pub always_pass: Accounts,
    /// Denials of these become warnings: restore and migration tools.
    pub warned_only: Accounts,
    /// Whether `virt-guard.io/ignore` on an object counts at admission.
    pub honour_ignore: bool,
}

/// User names as `request.userInfo.username` spells them; one that ends in `*` stands for all that begin so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts(Vec<String>);

impl Accounts {
    /// From patterns.
    pub fn new(patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Accounts(patterns.into_iter().map(Into::into).collect())
    }

    /// The patterns; the webhook configurations' `matchConditions` are made from them too.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether a user is one of them.
    pub fn contains(&self, user: &str) -> bool {
        self.patterns().any(|p| match p.strip_suffix('*') {
            Some(beginning) => user.starts_with(beginning),
            None => user == p,
        })
    }

    /// The controllers that an upgrade is made of: KubeVirt's, HyperConverged's and OLM's own service accounts.
    pub fn of_the_platform() -> Self {
        Accounts::new(PLATFORM.iter().copied())
    }
}

/// Service accounts of the operators and their operands. Named one by one where users may create accounts of their own
/// beside them.
const PLATFORM: &[&str] = &["system:serviceaccount:openshift-operator-lifecycle-manager:*"];
