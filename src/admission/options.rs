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
    /// Requests in these namespaces pass, unjudged, whatever the webhook configuration selects: the cluster's own and the
    /// server's.
    pub exempt_namespaces: Vec<String>,
    /// Whether `virt-guard.io/ignore` on an object counts at admission.
    pub honour_ignore: bool,
}

impl Options {
    /// Whether a request passes before any policy is asked.
    pub(super) fn passes(&self, user: &str, namespace: &str) -> bool {
        self.always_pass.contains(user) || self.exempt_namespaces.iter().any(|n| n == namespace)
    }

    /// What a warning begins with that would have been a denial; `None` where denials deny.
    pub(super) fn softened(&self, user: &str) -> Option<&'static str> {
        match self.enforcement {
            Enforcement::Warn => Some("would be denied: "),
            Enforcement::Enforce if self.warned_only.contains(user) => Some("denied for other users: "),
            Enforcement::Enforce => None,
        }
    }
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

    /// The controllers that an upgrade is made of: KubeVirt's, HyperConverged's and OLM's own service accounts, in the
    /// namespaces where they are installed by default.
    pub fn of_the_platform() -> Self {
        let of = |namespaces: &'static [&'static str], names: &'static [&'static str]| {
            let user = |namespace, name| format!("system:serviceaccount:{namespace}:{name}");
            namespaces.iter().flat_map(move |ns| names.iter().map(move |name| user(*ns, *name)))
        };
        let hyperconverged = of(&HYPERCONVERGED, &OPERATORS).chain(of(&HYPERCONVERGED, &KUBEVIRT));
        Accounts::new(hyperconverged.chain(of(&["kubevirt"], &KUBEVIRT)).chain(of(&OLM, &["*"])))
    }
}

/// Where HyperConverged is installed: OpenShift Virtualization, and the community's operator.
const HYPERCONVERGED: [&str; 2] = ["openshift-cnv", "kubevirt-hyperconverged"];

/// hyperconverged-cluster-operator, serviceAccountName in its ClusterServiceVersion.
const OPERATORS: [&str; 4] =
    ["hyperconverged-cluster-operator", "cdi-operator", "ssp-operator", "cluster-network-addons-operator"];

/// kubevirt pkg/virt-operator/resource/generate/rbac.
const KUBEVIRT: [&str; 4] = ["kubevirt-operator", "kubevirt-controller", "kubevirt-apiserver", "kubevirt-handler"];

/// Nobody but OLM has accounts there.
const OLM: [&str; 2] = ["openshift-operator-lifecycle-manager", "olm"];

#[cfg(test)]
mod tests {
    use super::Accounts;

    #[test]
    fn the_platforms_accounts_are_known_and_their_neighbours_are_not() {
        let accounts = Accounts::of_the_platform();
        let cases = [
            ("system:serviceaccount:openshift-cnv:hyperconverged-cluster-operator", true),
            ("system:serviceaccount:openshift-cnv:kubevirt-controller", true),
            ("system:serviceaccount:kubevirt:kubevirt-operator", true),
            ("system:serviceaccount:openshift-operator-lifecycle-manager:olm-operator-serviceaccount", true),
            ("system:serviceaccount:openshift-cnv:default", false),
            ("system:serviceaccount:kubevirt:kubevirt-operator-2", false),
            ("system:serviceaccount:shop:kubevirt-operator", false),
            ("system:admin", false),
            ("", false),
        ];
        for (user, expected) in cases {
            assert_eq!(accounts.contains(user), expected, "{user}");
        }
    }
}
