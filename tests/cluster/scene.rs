//! Where a case is played: one control plane and one server for all, a namespace and a registration for each.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use crate::control_plane::{ControlPlane, Said};
use crate::webhook::{NAMESPACE, Registration, SERVICE, Server, TEST_LABEL};

/// What all cases share.
pub struct World {
    pub plane: ControlPlane,
    /// Serves our policies and follows the cluster, with the permissions that deploy/ gives it.
    pub server: Server,
}

/// A file below the repository's root.
pub fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The webhook configurations that are deployed.
pub fn deployed() -> String {
    file("deploy/base/webhooks.yaml")
}

/// The CRDs, our namespace and account, and the Service through which this machine is called.
pub fn prepare(plane: &ControlPlane) {
    plane.apply(&file("tests/cluster/crds.yaml")).fine();
    plane.kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"]).fine();
    for part in ["namespace", "serviceaccount", "clusterrole", "clusterrolebinding"] {
        plane.kubectl(&["apply", "-f", &format!("deploy/base/{part}.yaml")]).fine();
    }
    plane
        .apply(&format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: {SERVICE}, namespace: {NAMESPACE}}}, \
             spec: {{type: ExternalName, externalName: localhost}}}}"
        ))
        .fine();
}

/// The world; made by the first case that asks for it.
pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let plane = ControlPlane::start("cluster", &[]);
        prepare(&plane);
        plane.apply(&file("tests/cluster/world.yaml")).fine();
        let kubeconfig = plane.service_account("virt-guard", "virt-guard");
        let server = Server::start(&plane.dir, Some(&kubeconfig), &[]);
        World { plane, server }
    })
}

/// A case's namespace, for which a server is registered.
pub struct Scene {
    pub plane: &'static ControlPlane,
    pub namespace: String,
}

impl Scene {
    /// A namespace for which nothing is registered yet.
    pub fn empty(name: &str) -> Self {
        let scene = Scene { plane: &world().plane, namespace: name.to_owned() };
        scene.label_namespace(name);
        scene
    }

    /// A namespace for which our policies' webhooks call the server that all share.
    pub fn new(name: &str) -> Self {
        let scene = Scene::empty(name);
        scene.register(&world().server, &deployed());
        scene
    }

    /// Makes a namespace one of this scene's.
    pub fn label_namespace(&self, name: &str) {
        self.plane
            .apply(&format!(
                "{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}, labels: {{{TEST_LABEL}: {}}}}}}}",
                self.namespace
            ))
            .fine();
    }

    /// Registers a server, through the Service, for these webhook configurations.
    pub fn register(&self, server: &Server, text: &str) {
        let registration = Registration::new(&self.namespace, text).service(server.port, &server.authority());
        registration.apply(self.plane, &self.namespace);
    }

    /// `kubectl apply` in the scene's namespace.
    pub fn apply(&self, manifest: &str) -> Said {
        self.kubectl_with(&["apply", "-f", "-"], manifest)
    }

    /// kubectl in the scene's namespace.
    pub fn kubectl(&self, arguments: &[&str]) -> Said {
        self.kubectl_with(arguments, "")
    }

    /// kubectl in the scene's namespace, with a text on its standard input.
    pub fn kubectl_with(&self, arguments: &[&str], text: &str) -> Said {
        self.plane.kubectl_with(&[&["-n", &self.namespace], arguments].concat(), text)
    }
}

/// A Subscription of the virtualization operator.
pub fn subscription(name: &str, approval: &str) -> String {
    format!(
        "apiVersion: operators.coreos.com/v1alpha1
kind: Subscription
metadata: {{name: {name}}}
spec:
  name: kubevirt-hyperconverged
  channel: stable
  source: redhat-operators
  sourceNamespace: openshift-marketplace
  installPlanApproval: {approval}
"
    )
}

/// A VM that runs on a volume.
pub fn vm(name: &str, claim: &str, strategy: &str) -> String {
    format!(
        "apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {{name: {name}}}
spec:
  runStrategy: Always
  template:
    spec:
      evictionStrategy: {strategy}
      domain:
        devices:
          disks: [{{name: root, disk: {{bus: virtio}}}}]
          interfaces: [{{name: default, masquerade: {{}}}}]
        resources: {{requests: {{memory: 1Gi}}}}
      networks: [{{name: default, pod: {{}}}}]
      volumes: [{{name: root, persistentVolumeClaim: {{claimName: {claim}}}}}]
"
    )
}

/// A claim of this class: `shared` can be mounted by many nodes, `local` by one.
pub fn claim(name: &str, class: &str) -> String {
    let mode = if class == "shared" { "ReadWriteMany" } else { "ReadWriteOnce" };
    format!(
        "apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: {name}}}
spec:
  storageClassName: {class}
  accessModes: [{mode}]
  volumeMode: Block
  resources: {{requests: {{storage: 1Gi}}}}
"
    )
}
