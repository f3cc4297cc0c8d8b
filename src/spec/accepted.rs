//! `[accepted]`, and the stable names of the changes of a review, by which people accept them and programs select them.

use serde::{Serialize, Serializer};

use super::decode::{Context, Decode, Map, Spanned};
use super::schema::{self, Schema, Schemas};
use super::tree::{Node, Value};

/// What is accepted.
#[derive(Debug, Clone)]
pub enum Acceptance {
    /// A finding of checkov, with the reason.
    Finding(Spanned<String>),
    /// Changes with one id: what each is about, with the reason.
    Changes(Map<Spanned<String>>),
}

impl Decode for Acceptance {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        match node.value {
            Value::Table(_) => Map::decode(node, cx).map(Self::Changes),
            _ => Spanned::decode(node, cx).map(Self::Finding),
        }
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        schema::any_of([String::schema(schemas), schema::map::<String>(schemas)])
    }
}

/// What the subject of a change names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// A service.
    Service,
    /// A service and one of its ports: `web.http`.
    Port,
    /// Something else, which may be gone.
    Other,
}

macro_rules! ids {
    ($($names:ident { $($(#[doc = $doc:literal])+ $id:ident = $word:literal,)+ })+) => {
        /// What kind of change it is. A name never changes, and is never used for something else.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Id {
            $($($(#[doc = $doc])+ $id,)+)+
        }

        impl Id {
            /// All of them, in the order of the reference.
            pub const ALL: &[Self] = &[$($(Self::$id,)+)+];

            /// Its name.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($(Self::$id => $word,)+)+
                }
            }

            /// What it means, in a sentence or two of Markdown.
            pub fn docs(self) -> &'static str {
                match self {
                    $($(Self::$id => concat!($($doc, "\n"),+).trim_ascii(),)+)+
                }
            }

            /// What the subject of such a change names.
            pub fn names(self) -> Names {
                match self {
                    $($(Self::$id)|+ => Names::$names,)+
                }
            }
        }
    };
}

ids! {
    Other {
        /// A path in the folders of the outputs is no longer checked: a program may load what is there.
        UnmanagedPath = "unmanaged-path",
        /// The outputs are in another folder: what is yours there is not moved.
        OutputsMoved = "outputs-moved",
        /// A file that Compose or Terraform reads by itself, beside the outputs, is committed and changed.
        CommittedFile = "committed-file",
        /// A profile was added.
        ProfileAdded = "profile-added",
        /// A profile was removed: what it created stays.
        ProfileRemoved = "profile-removed",
        /// The Compose project has a different name: volumes start empty.
        ProjectRenamed = "project-renamed",
        /// The stack runs in another engine: Compose or Kubernetes. Its data is not moved.
        TargetChanged = "target-changed",
        /// The namespace, the registry or another setting of Kubernetes changed.
        KubernetesChanged = "kubernetes-changed",
        /// `gen dev` may apply the stack in another context of kubeconfig, or no longer in one.
        ContextChanged = "context-changed",
        /// What runs outside of the stack was added, removed, or is elsewhere.
        ExternalChanged = "external-changed",
        /// The title or the description of the stack changed.
        StackChanged = "stack-changed",
        /// The image of a service is a different one.
        ImageChanged = "image-changed",
        /// The image of a service has a different tag or digest.
        ImageUpdated = "image-updated",
        /// The image of a service has a new major version.
        ImageMajorVersion = "image-major-version",
        /// The image of a service is older: it may not be able to read its data.
        ImageDowngraded = "image-downgraded",
        /// An image is now built here.
        BuildAdded = "build-added",
        /// An image is no longer built here.
        BuildRemoved = "build-removed",
        /// An image is built differently.
        BuildChanged = "build-changed",
        /// A Temporal cluster was added.
        ClusterAdded = "cluster-added",
        /// A Temporal cluster was removed.
        ClusterRemoved = "cluster-removed",
        /// A setting of a Temporal cluster changed.
        ClusterChanged = "cluster-changed",
        /// The number of history shards changed: existing workflows are no longer found.
        HistoryShardsChanged = "history-shards-changed",
        /// A Temporal cluster stores its data elsewhere: existing data is not moved.
        ClusterStoreChanged = "cluster-store-changed",
        /// A namespace of a Temporal cluster, or its retention, changed.
        NamespaceChanged = "namespace-changed",
        /// The visibility index changed: executions in the old one are no longer listed.
        VisibilityIndexChanged = "visibility-index-changed",
        /// A key of a cluster's dynamic configuration changed.
        DynamicConfigChanged = "dynamic-config-changed",
        /// The order of services changed.
        ServiceOrderChanged = "service-order-changed",
        /// A volume was added.
        VolumeAdded = "volume-added",
        /// An external volume is no longer used.
        VolumeRemoved = "volume-removed",
        /// A volume was removed: its data stays, but no service uses it.
        VolumeOrphaned = "volume-orphaned",
        /// A volume has a different name in the engine: its data is not moved.
        VolumeReplaced = "volume-replaced",
        /// A volume has to be created again: its data is lost.
        VolumeRecreated = "volume-recreated",
        /// A key of a volume changed.
        VolumeChanged = "volume-changed",
        /// A network was added.
        NetworkAdded = "network-added",
        /// A network was removed.
        NetworkRemoved = "network-removed",
        /// A network is no longer isolated from external networks.
        NetworkNoLongerInternal = "network-no-longer-internal",
        /// A key of a network changed.
        NetworkChanged = "network-changed",
        /// A secret, a config or a model was added.
        SourceAdded = "source-added",
        /// A secret, a config or a model was removed.
        SourceRemoved = "source-removed",
        /// A secret, a config or a model changed.
        SourceChanged = "source-changed",
        /// A step that creates a schema was added.
        SchemaStepAdded = "schema-step-added",
        /// A step that creates a schema was removed.
        SchemaStepRemoved = "schema-step-removed",
        /// A different service runs a step.
        SchemaStepChanged = "schema-step-changed",
        /// The order of the steps changed.
        SchemaOrderChanged = "schema-order-changed",
        /// A datasource was added.
        DatasourceAdded = "datasource-added",
        /// A datasource was removed: dashboards created in Grafana may still query it.
        DatasourceRemoved = "datasource-removed",
        /// A datasource has a different type, title or address, or is the default.
        DatasourceChanged = "datasource-changed",
        /// A datasource has a different UID, but the title of an old one: Grafana fails to provision datasources.
        DatasourceUidChanged = "datasource-uid-changed",
        /// A folder of dashboards was added or removed, or has a new title.
        FolderChanged = "folder-changed",
        /// A dashboard was added.
        DashboardAdded = "dashboard-added",
        /// A dashboard was removed: links to it will break.
        DashboardRemoved = "dashboard-removed",
        /// A dashboard has a different UID: links to it will break.
        DashboardMoved = "dashboard-moved",
        /// A key, a row, a variable or an annotation of a dashboard changed.
        DashboardChanged = "dashboard-changed",
        /// A panel was added.
        PanelAdded = "panel-added",
        /// A panel was removed.
        PanelRemoved = "panel-removed",
        /// A panel changed.
        PanelChanged = "panel-changed",
        /// A variable of `.env` was added.
        VariableAdded = "variable-added",
        /// A variable of `.env` is no longer read.
        VariableRemoved = "variable-removed",
        /// A variable of `.env` is now required.
        VariableRequired = "variable-required",
        /// The default of a variable of `.env` changed.
        DefaultChanged = "default-changed",
        /// Anything else about a variable of `.env` changed.
        VariableChanged = "variable-changed",
        /// The value of a variable is read from another place; for `cmd:`, `gen dev` runs a command of the spec for it.
        SecretSource = "secret-source",
        /// A variable is no longer a secret.
        SecretExposed = "secret-exposed",
        /// There is nothing for Terraform any more: what it created stays.
        InfrastructureRemoved = "infrastructure-removed",
        /// The prefix of the names of Terraform's resources changed.
        InfrastructureRenamed = "infrastructure-renamed",
        /// The region changed: resources are destroyed and created again elsewhere.
        RegionChanged = "region-changed",
        /// Other versions of Terraform or of its provider may be used.
        TerraformVersion = "terraform-version",
        /// Terraform would create a resource.
        ResourceCreated = "resource-created",
        /// Terraform would change a resource in place.
        ResourceChanged = "resource-changed",
        /// Terraform would destroy a resource and create it again.
        ResourceReplaced = "resource-replaced",
        /// Terraform would destroy a resource.
        ResourceDestroyed = "resource-destroyed",
        /// An output of Terraform was added or removed.
        OutputChanged = "output-changed",
        /// A finding of checkov is accepted, or for a different reason.
        FindingAccepted = "finding-accepted",
        /// A change is accepted, or for a different reason.
        ChangeAccepted = "change-accepted",
        /// Something is no longer accepted.
        AcceptanceRemoved = "acceptance-removed",
        /// A file that a template of the spec makes changed.
        FileChanged = "file-changed",
        /// This version of `gen` renders outputs of the base differently than they are committed there.
        RenderedDifferently = "rendered-differently",
        /// A value of an output is changed after it is rendered. It is a danger in the Compose file and in manifests, since what
        /// it gives a container is not judged.
        PatchAdded = "patch-added",
        /// A value of an output is changed to another one, or for a different reason.
        PatchChanged = "patch-changed",
        /// A value of an output is no longer changed.
        PatchRemoved = "patch-removed",
        /// An output is the user's own now, or for a different reason: it is neither written nor compared. It is a danger for
        /// the Compose file and manifests, since what it gives a container is not judged.
        OutputEjected = "output-ejected",
        /// An output is rendered again.
        OutputReturned = "output-returned",
        /// An output that is the user's own would have changed.
        EjectedDiffers = "ejected-differs",
        /// A generated file changed although no other change explains it.
        UnexplainedOutput = "unexplained-output",
    }
    Service {
        /// A service was added.
        ServiceAdded = "service-added",
        /// A service was removed.
        ServiceRemoved = "service-removed",
        /// A key of a service changed.
        ServiceChanged = "service-changed",
        /// A service is reachable from outside of the cluster, at another host name, or no longer.
        RouteChanged = "route-changed",
        /// Another service may connect to a service in Kubernetes, or no longer.
        PolicyChanged = "policy-changed",
        /// The claim of a service's volume changed, which a cluster refuses.
        ClaimChanged = "claim-changed",
        /// What only Kubernetes needs to know of a service changed.
        WorkloadChanged = "workload-changed",
        /// The command or the entrypoint of a service changed.
        CommandChanged = "command-changed",
        /// The container of a service is recreated, or its step runs again.
        ContainerRecreated = "container-recreated",
        /// A mount was added.
        MountAdded = "mount-added",
        /// A mount was removed.
        MountRemoved = "mount-removed",
        /// A mount has a different source or different options.
        MountChanged = "mount-changed",
        /// A path is no longer a volume: what is written there is lost with the container.
        VolumeUnmounted = "volume-unmounted",
        /// A service reads a secret or a config, or with different options.
        FileGranted = "file-granted",
        /// A service no longer reads a secret or a config.
        FileRevoked = "file-revoked",
        /// Full access to the host: `privileged`.
        Privileged = "privileged",
        /// The host's network.
        HostNetwork = "host-network",
        /// Another namespace of the host's.
        HostNamespace = "host-namespace",
        /// A namespace of a container outside of the stack.
        ForeignNamespace = "foreign-namespace",
        /// A runtime that decides what is isolated from the host.
        UnknownRuntime = "unknown-runtime",
        /// A privilege that only `.env` decides about.
        PrivilegeVariable = "privilege-variable",
        /// A security profile of its own instead of the engine's.
        CustomSecurityProfile = "custom-security-profile",
        /// A build that uses SSH keys of the host.
        SshForwarded = "ssh-forwarded",
        /// The API of the engine, which controls the host.
        EngineSocket = "engine-socket",
        /// Devices of the host.
        DeviceAccess = "device-access",
        /// GPUs of the host.
        GpuAccess = "gpu-access",
        /// A group of the host.
        GroupAdded = "group-added",
        /// Root as the user.
        RootUser = "root-user",
        /// A different user.
        UserChanged = "user-changed",
        /// A capability that was not asked for before.
        CapabilityAdded = "capability-added",
        /// Docker's default capabilities are not dropped.
        DefaultCapabilities = "default-capabilities",
        /// `no-new-privileges` is not set.
        PrivilegeEscalation = "privilege-escalation",
        /// A security option that turns a protection off.
        SecurityOption = "security-option",
        /// A writable root file system.
        WritableRoot = "writable-root",
        /// The host's entire file system.
        HostRoot = "host-root",
        /// Credentials of the host: `~/.aws`, `~/.ssh` and the like.
        HostCredentials = "host-credentials",
        /// A system path of the host: `/etc`, `/proc`, `/var/run` and the like.
        HostSystemPath = "host-system-path",
        /// A home directory of the host, or the directory of all of them.
        HostHome = "host-home",
        /// A path of the host that only `.env` has.
        HostPathVariable = "host-path-variable",
        /// A path outside of the project, which a build or a key of Compose reads.
        PathOutsideProject = "path-outside-project",
        /// Mounts that the host sees, too.
        MountPropagation = "mount-propagation",
        /// A volume of a plugin, which may mount anything.
        VolumePlugin = "volume-plugin",
        /// Whatever a link in the project leads to: it leaves the project, and did not before.
        LinkedPath = "linked-path",
        /// Write access to what the host runs by itself: hooks of Git, startup files of a shell, autostart.
        HostStartFile = "host-start-file",
        /// Write access to a path of the host.
        HostPathWritable = "host-path-writable",
        /// A command in a container with full access to the host.
        PrivilegedHook = "privileged-hook",
        /// A command in a container that runs as root.
        RootHook = "root-hook",
        /// A build with full access to the host.
        PrivilegedBuild = "privileged-build",
        /// A program that Compose runs on the host.
        HostProgram = "host-program",
        /// Whatever a file gives that is not in the spec.
        ExtendsFile = "extends-file",
        /// A file that `extends` names changed, and with it whatever it gives.
        ExtendsFileChanged = "extends-file-changed",
        /// The volumes of a container outside of the stack.
        ForeignVolumes = "foreign-volumes",
        /// A service may write to the volumes of another one.
        BorrowedVolumes = "borrowed-volumes",
        /// Something that a service could do, it no longer can.
        PrivilegeRemoved = "privilege-removed",
        /// Privileges are written differently, with the same effect.
        PrivilegesRewritten = "privileges-rewritten",
        /// A variable of a container was added.
        EnvironmentAdded = "environment-added",
        /// A variable of a container was removed.
        EnvironmentRemoved = "environment-removed",
        /// A variable of a container, or their order, changed.
        EnvironmentChanged = "environment-changed",
        /// A variable of a container is taken from where Compose runs, or no longer is.
        EnvironmentInherited = "environment-inherited",
        /// What looks like a secret is written in the spec.
        LiteralSecret = "literal-secret",
        /// A secret is in a command, a healthcheck, a label or an argument of a build, where others see it.
        SecretInCommand = "secret-in-command",
        /// A value that was a secret in `.env` is written in the spec.
        SecretWritten = "secret-written",
        /// Replicas, limits or reservations changed.
        ResourcesChanged = "resources-changed",
        /// A setting of a kind changed.
        SettingChanged = "setting-changed",
        /// A setting of a kind is lower: data may be deleted earlier, or rejected.
        SettingLowered = "setting-lowered",
        /// A setting of a kind is higher.
        SettingRaised = "setting-raised",
        /// What a service waits for changed.
        DependencyChanged = "dependency-changed",
        /// A healthcheck was added.
        HealthcheckAdded = "healthcheck-added",
        /// A healthcheck was removed or disabled.
        HealthcheckRemoved = "healthcheck-removed",
        /// A healthcheck changed.
        HealthcheckChanged = "healthcheck-changed",
        /// A target is scraped.
        ScrapeTargetAdded = "scrape-target-added",
        /// A target is no longer scraped.
        ScrapeTargetRemoved = "scrape-target-removed",
        /// A target is scraped at a different address.
        ScrapeTargetChanged = "scrape-target-changed",
    }
    Port {
        /// A port was added inside the network.
        PortAdded = "port-added",
        /// A port was removed.
        PortRemoved = "port-removed",
        /// A port is published to the host itself.
        PortPublished = "port-published",
        /// A port is published at an address that only `.env` knows.
        PortPublishedByVariable = "port-published-by-variable",
        /// A port is published at an address that other machines can reach.
        PortPublishedOnAddress = "port-published-on-address",
        /// A port is published on every address of the host.
        PortPublishedEverywhere = "port-published-everywhere",
        /// A port is no longer published.
        PortUnpublished = "port-unpublished",
        /// A port has a different number, protocol or path.
        PortChanged = "port-changed",
    }
}

impl Id {
    /// The id of a name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|id| id.as_str() == name)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_id_is_unique_and_in_kebab_case() {
        let mut seen = HashSet::new();
        for id in Id::ALL {
            let name = id.as_str();
            assert!(seen.insert(name), "{name}");
            let word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase());
            assert!(name.split('-').all(word), "{name}");
            assert_eq!(Id::of(name), Some(*id));
            assert!(id.docs().ends_with('.'), "{name}: {}", id.docs());
        }
    }
}
