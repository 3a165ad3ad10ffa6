//! What an inventory that follows a cluster makes of the API server's answers.

use std::time::Duration;

use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use tower_test::mock::{Handle, SendResponse};

use super::*;
use crate::facts::{HYPER_CONVERGED, NODE, VIRTUAL_MACHINE};
use crate::inventory::{Lookup, View, WhyNot};

type Api = Handle<Request<Body>, Response<Body>>;
type Answer = SendResponse<Response<Body>>;

const STALE: Duration = Duration::from_secs(60);

fn cluster(kinds: &[Kind]) -> (Watching, Api) {
    let (service, api) = tower_test::mock::pair::<Request<Body>, Response<Body>>();
    (watch(&Client::new(service, "default"), kinds.iter().copied(), STALE), api)
}

/// The next request, which has to be this one.
async fn asked(api: &mut Api, uri: &str) -> Answer {
    let next = tokio::time::timeout(STALE * 10, api.next_request()).await;
    let (request, answer) = next.unwrap_or_else(|_| panic!("nobody asks for {uri}")).unwrap();
    assert_eq!(request.uri().to_string().replace("?&", "?"), uri);
    answer
}

fn say(answer: Answer, code: u16, body: &str) {
    answer.send_response(Response::builder().status(code).body(Body::from(body.as_bytes().to_vec())).unwrap());
}

fn refuse(answer: Answer, code: u16) {
    say(answer, code, &status(code));
}

fn status(code: u16) -> String {
    format!(r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no","code":{code}}}"#)
}

fn node(name: &str, more: &str) -> String {
    format!(r#"{{"metadata":{{"name":"{name}","resourceVersion":"4"}}{more}}}"#)
}

fn list(version: &str, more: &str, items: &[String]) -> String {
    let items = items.join(",");
    format!(
        r#"{{"kind":"NodeList","metadata":{{"resourceVersion":"{version}","continue":"{more}"}},"items":[{items}]}}"#
    )
}

fn event(kind: &str, version: &str, name: &str) -> String {
    let object = format!(r#"{{"metadata":{{"name":"{name}","resourceVersion":"{version}"}}}}"#);
    format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n")
}

const LIST: &str = "/api/v1/nodes?limit=100";

fn watch_from(version: &str) -> String {
    format!("/api/v1/nodes?watch=true&timeoutSeconds=290&allowWatchBookmarks=true&resourceVersion={version}")
}

/// Names of the nodes, or why they are not known.
fn nodes(snapshot: &Snapshot) -> Result<Vec<String>, WhyNot> {
    let listing = View::new(&snapshot.inventory).list(NODE, None);
    listing.complete.map(|()| listing.objects.iter().map(|o| o.name().to_owned()).collect())
}

fn named(names: &[&str]) -> Result<Vec<String>, WhyNot> {
    Ok(names.iter().map(|n| (*n).to_owned()).collect())
}

/// Waits until a snapshot is so; the clock is paused, so that waiting takes no time.
async fn becomes(watching: &Watching, condition: impl FnMut(&Snapshot) -> bool) -> Arc<Snapshot> {
    let wait = tokio::time::timeout(STALE * 10, watching.wait_for(condition)).await;
    wait.unwrap_or_else(|_| panic!("it never does; {:?}", watching.kinds()))
}

#[tokio::test(start_paused = true)]
async fn a_kind_is_listed_in_pages_and_then_watched() {
    let (watching, mut api) = cluster(&[NODE]);
    assert_eq!(nodes(&watching.snapshot()), Err(WhyNot::NotCollected));
    assert!(!watching.answered());
    say(asked(&mut api, LIST).await, 200, &list("7", "T1", &[node("a", "")]));
    let second = asked(&mut api, "/api/v1/nodes?limit=100&continue=T1").await;
    assert_eq!(nodes(&watching.snapshot()), Err(WhyNot::NotCollected), "half a list says nothing");
    say(second, 200, &list("8", "", &[node("b", "")]));
    becomes(&watching, |s| nodes(s) == named(&["a", "b"])).await;
    assert!(watching.answered());

    let lines = [event("ADDED", "9", "c"), event("DELETED", "10", "a"), event("BOOKMARK", "12", "")].concat();
    say(asked(&mut api, &watch_from("8")).await, 200, &lines);
    becomes(&watching, |s| nodes(s) == named(&["b", "c"])).await;
    // The watch ended in time; it is taken up where it ended.
    asked(&mut api, &watch_from("12")).await;
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_cannot_be_taken_up_begins_with_a_new_list() {
    let (watching, mut api) = cluster(&[NODE]);
    say(asked(&mut api, LIST).await, 200, &list("7", "", &[node("a", ""), node("b", "")]));
    let gone = format!("{{\"type\":\"ERROR\",\"object\":{}}}\n", status(410));
    say(asked(&mut api, &watch_from("7")).await, 200, &gone);
    let anew = asked(&mut api, LIST).await;
    assert_eq!(nodes(&watching.snapshot()), named(&["a", "b"]), "what was known stays until the list is there");
    say(anew, 200, &list("20", "", &[node("b", ""), node("c", "")]));
    becomes(&watching, |s| nodes(s) == named(&["b", "c"])).await;
    assert_eq!(watching.kinds()[0].relists, 1);
    // The same when the request itself is answered so.
    refuse(asked(&mut api, &watch_from("20")).await, 410);
    asked(&mut api, LIST).await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_watch_goes_on_where_it_was() {
    let (watching, mut api) = cluster(&[NODE]);
    say(asked(&mut api, LIST).await, 200, &list("7", "", &[node("a", "")]));
    let cut = format!("{}{{\"type\":\"ADD", event("ADDED", "9", "b"));
    say(asked(&mut api, &watch_from("7")).await, 200, &cut);
    let answer = asked(&mut api, &watch_from("9")).await;
    becomes(&watching, |s| nodes(s) == named(&["a", "b"])).await;
    refuse(answer, 500);
    asked(&mut api, &watch_from("9")).await;
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_read_is_not_taken_for_absent() {
    let (watching, mut api) = cluster(&[NODE]);
    refuse(asked(&mut api, LIST).await, 403);
    let snapshot = becomes(&watching, |s| nodes(s) == Err(WhyNot::Forbidden)).await;
    let found = View::new(&snapshot.inventory).get(NODE, None, "a");
    assert!(matches!(found, Lookup::NotSeen(WhyNot::Forbidden)), "{found:?}");
    assert!(watching.answered());
    // The permission comes later.
    say(asked(&mut api, LIST).await, 200, &list("7", "", &[node("a", "")]));
    becomes(&watching, |s| nodes(s) == named(&["a"])).await;
    // And goes.
    refuse(asked(&mut api, &watch_from("7")).await, 403);
    becomes(&watching, |s| nodes(s) == Err(WhyNot::Forbidden)).await;
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_not_served_has_no_objects_until_it_is() {
    let (watching, mut api) = cluster(&[VIRTUAL_MACHINE]);
    let complete = |s: &Snapshot| View::new(&s.inventory).list(VIRTUAL_MACHINE, None).complete;
    refuse(asked(&mut api, "/apis/kubevirt.io").await, 404);
    becomes(&watching, |s| complete(s) == Ok(())).await;
    assert_eq!(watching.kinds()[0].seen, Seen::NotServed);
    // The group comes, and the CRD after it; a version that has it is found, the preferred one first.
    let group = r#"{"kind":"APIGroup","name":"kubevirt.io","preferredVersion":{"groupVersion":"","version":"v1"},
        "versions":[{"groupVersion":"","version":"v1alpha3"},{"groupVersion":"","version":"v1"}]}"#;
    let resources = |names: &[(&str, &str)]| {
        let of = |(plural, kind): &(&str, &str)| {
            format!(r#"{{"name":"{plural}","kind":"{kind}","namespaced":true,"singularName":"","verbs":[]}}"#)
        };
        let all: Vec<String> = names.iter().map(of).collect();
        format!(r#"{{"kind":"APIResourceList","groupVersion":"x/v1","resources":[{}]}}"#, all.join(","))
    };
    say(asked(&mut api, "/apis/kubevirt.io").await, 200, group);
    say(asked(&mut api, "/apis/kubevirt.io/v1").await, 200, &resources(&[("kubevirts", "KubeVirt")]));
    let old = asked(&mut api, "/apis/kubevirt.io/v1alpha3").await;
    say(old, 200, &resources(&[("virtualmachines", "VirtualMachine"), ("virtualmachines/status", "VirtualMachine")]));
    let items = asked(&mut api, "/apis/kubevirt.io/v1alpha3/virtualmachines?limit=100").await;
    let vm = r#"{"metadata":{"name":"web","namespace":"shop","managedFields":[{}]},"spec":{"running":true}}"#;
    say(items, 200, &list("3", "", &[vm.to_owned()]));
    let found = |s: &Snapshot| match View::new(&s.inventory).get(VIRTUAL_MACHINE, Some("shop"), "web") {
        Lookup::Found(vm) => Some((vm.gvk.version.clone(), vm.root.to_string())),
        _ => None,
    };
    let snapshot = becomes(&watching, |s| found(s).is_some()).await;
    let text = r#"{"metadata":{"name":"web","namespace":"shop"},"spec":{"running":true}}"#;
    assert_eq!(found(&snapshot), Some(("v1alpha3".to_owned(), text.to_owned())));
    // The CRD goes again.
    let (request, answer) = api.next_request().await.unwrap();
    assert!(request.uri().query().is_some_and(|q| q.contains("watch=true")));
    refuse(answer, 404);
    refuse(asked(&mut api, "/apis/kubevirt.io").await, 404);
    becomes(&watching, |s| found(s).is_none() && complete(s) == Ok(())).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_not_heard_of_for_too_long_counts_as_not_seen() {
    let (watching, mut api) = cluster(&[NODE]);
    say(asked(&mut api, LIST).await, 200, &list("7", "", &[node("a", "")]));
    becomes(&watching, |s| nodes(s) == named(&["a"])).await;
    let begin = Instant::now();
    // The watch is never answered, and begun anew again and again.
    let silent = tokio::spawn(async move {
        let mut kept = Vec::new();
        while begin.elapsed() < STALE * 2 {
            kept.push(asked(&mut api, &watch_from("7")).await);
        }
        api
    });
    let snapshot = becomes(&watching, |s| nodes(s) == Err(WhyNot::Stale)).await;
    let age = begin.elapsed();
    assert!((STALE..STALE + Duration::from_secs(1)).contains(&age), "{age:?}");
    let found = View::new(&snapshot.inventory).get(NODE, None, "a");
    assert!(matches!(found, Lookup::NotSeen(WhyNot::Stale)), "an old copy decides nothing: {found:?}");
    // One line says that all of it is still true.
    let mut api = silent.await.unwrap();
    say(asked(&mut api, &watch_from("7")).await, 200, &event("BOOKMARK", "8", ""));
    becomes(&watching, |s| nodes(s) == named(&["a"])).await;
}

#[tokio::test(start_paused = true)]
async fn an_object_may_nest_as_deep_as_the_api_server_allows() {
    let (watching, mut api) = cluster(&[NODE]);
    let deep = format!(r#","spec":{}{}"#, "[".repeat(9_000), "]".repeat(9_000));
    say(asked(&mut api, LIST).await, 200, &list("7", "", &[node("a", &deep)]));
    becomes(&watching, |s| nodes(s) == named(&["a"])).await;
}

#[tokio::test(start_paused = true)]
async fn the_versions_are_those_that_the_objects_tell() {
    let (watching, mut api) = cluster(&[HYPER_CONVERGED]);
    let group = r#"{"kind":"APIGroup","name":"hco.kubevirt.io","versions":[{"groupVersion":"","version":"v1beta1"}]}"#;
    say(asked(&mut api, "/apis/hco.kubevirt.io").await, 200, group);
    let resources = r#"{"kind":"APIResourceList","groupVersion":"hco.kubevirt.io/v1beta1","resources":
        [{"name":"hyperconvergeds","kind":"HyperConverged","namespaced":true,"singularName":"","verbs":[]}]}"#;
    say(asked(&mut api, "/apis/hco.kubevirt.io/v1beta1").await, 200, resources);
    let hco =
        r#"{"metadata":{"name":"h","namespace":"n"},"status":{"versions":[{"name":"operator","version":"4.19.3"}]}}"#;
    let items = asked(&mut api, "/apis/hco.kubevirt.io/v1beta1/hyperconvergeds?limit=100").await;
    say(items, 200, &list("7", "", &[hco.to_owned()]));
    let snapshot = becomes(&watching, |s| s.versions.hyperconverged.is_some()).await;
    assert_eq!(snapshot.versions.hyperconverged.unwrap().to_string(), "4.19.3");
    assert!(snapshot.versions.kubevirt.is_some(), "a HyperConverged ships a KubeVirt");
}
