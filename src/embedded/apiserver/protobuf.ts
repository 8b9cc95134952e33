// Reads what `kubectl create …` and `kubectl auth …` send as protobuf: the types below and nothing else.
import { type Members, setMember, textAt } from './json.ts';
import { StatusFailure } from './status.ts';

/** The media type of protobuf bodies. The listener hands their bytes on as a string of latin1 characters. */
export const PROTOBUF = 'application/vnd.kubernetes.protobuf';

/**
 * Members by number, as facts of the wire format: `member=number:type`. Types: s string, i integer, b boolean, y bytes,
 * x integer or string, q quantity, `-` a member that is read over; Name another type; [T] list; {T} map.
 */
const TYPES = `
ObjectMeta name=1:s generateName=2:s namespace=3:s selfLink=4:- uid=5:s resourceVersion=6:s generation=7:- creationTimestamp=8:- deletionTimestamp=9:- deletionGracePeriodSeconds=10:- labels=11:{s} annotations=12:{s} finalizers=14:[s]
Namespace metadata=1:ObjectMeta spec=2:NamespaceSpec status=3:-
NamespaceSpec finalizers=1:[s]
ConfigMap metadata=1:ObjectMeta immutable=4:b data=2:{s} binaryData=3:{y}
Secret metadata=1:ObjectMeta immutable=5:b data=2:{y} stringData=4:{s} type=3:s
ServiceAccount metadata=1:ObjectMeta automountServiceAccountToken=4:b
Service metadata=1:ObjectMeta spec=2:ServiceSpec status=3:-
ServiceSpec ports=1:[ServicePort] selector=2:{s} clusterIP=3:s clusterIPs=18:[s] type=4:s externalIPs=5:[s] sessionAffinity=7:s loadBalancerIP=8:s externalName=10:s externalTrafficPolicy=11:s healthCheckNodePort=12:- publishNotReadyAddresses=13:b ipFamilyPolicy=17:s ipFamilies=19:[s] internalTrafficPolicy=22:s
ServicePort name=1:s protocol=2:s appProtocol=6:s port=3:i targetPort=4:x nodePort=5:-
Deployment metadata=1:ObjectMeta spec=2:DeploymentSpec status=3:-
DeploymentSpec replicas=1:i selector=2:LabelSelector template=3:PodTemplateSpec strategy=4:DeploymentStrategy minReadySeconds=5:i revisionHistoryLimit=6:i paused=7:b progressDeadlineSeconds=9:i
DeploymentStrategy type=1:s rollingUpdate=2:RollingUpdateDeployment
RollingUpdateDeployment maxUnavailable=1:x maxSurge=2:x
LabelSelector matchLabels=1:{s} matchExpressions=2:[LabelSelectorRequirement]
LabelSelectorRequirement key=1:s operator=2:s values=3:[s]
PodTemplateSpec metadata=1:ObjectMeta spec=2:PodSpec
Pod metadata=1:ObjectMeta spec=2:PodSpec status=3:-
PodSpec initContainers=20:[Container] containers=2:[Container] restartPolicy=3:s terminationGracePeriodSeconds=4:i dnsPolicy=6:s nodeSelector=7:{s} serviceAccountName=8:s serviceAccount=9:s nodeName=10:s hostNetwork=11:b hostPID=12:b hostIPC=13:b securityContext=14:- hostname=16:s subdomain=17:s schedulerName=19:s
Container name=1:s image=2:s command=3:[s] args=4:[s] workingDir=5:s ports=6:[ContainerPort] env=7:[EnvVar] resources=8:ResourceRequirements terminationMessagePath=13:s imagePullPolicy=14:s stdin=16:b stdinOnce=17:b tty=18:b terminationMessagePolicy=20:s
ContainerPort name=1:s hostPort=2:- containerPort=3:i protocol=4:s hostIP=5:s
EnvVar name=1:s value=2:s
ResourceRequirements limits=1:{q} requests=2:{q}
SelfSubjectAccessReview metadata=1:ObjectMeta spec=2:AccessSpec status=3:-
SubjectAccessReview metadata=1:ObjectMeta spec=2:AccessSpec status=3:-
LocalSubjectAccessReview metadata=1:ObjectMeta spec=2:AccessSpec status=3:-
AccessSpec resourceAttributes=1:ResourceAttributes nonResourceAttributes=2:NonResourceAttributes user=3:s groups=4:[s] uid=6:s
ResourceAttributes namespace=1:s verb=2:s group=3:s version=4:s resource=5:s subresource=6:s name=7:s
NonResourceAttributes path=1:s verb=2:s
SelfSubjectReview metadata=1:ObjectMeta status=2:-
SelfSubjectRulesReview metadata=1:ObjectMeta spec=2:RulesSpec status=3:-
RulesSpec namespace=1:s
DeleteOptions gracePeriodSeconds=1:i preconditions=2:Preconditions orphanDependents=3:b propagationPolicy=4:s dryRun=5:[s]
Preconditions uid=1:s resourceVersion=2:s
HorizontalPodAutoscaler metadata=1:ObjectMeta spec=2:HpaSpec status=3:-
HpaSpec scaleTargetRef=1:CrossVersionObjectReference minReplicas=2:i maxReplicas=3:i metrics=4:[MetricSpec] behavior=5:-
CrossVersionObjectReference kind=1:s name=2:s apiVersion=3:s
MetricSpec type=1:s resource=4:ResourceMetricSource
ResourceMetricSource name=1:s target=2:MetricTarget
MetricTarget type=1:s value=2:q averageValue=3:q averageUtilization=4:i
Role metadata=1:ObjectMeta rules=2:[PolicyRule]
ClusterRole metadata=1:ObjectMeta rules=2:[PolicyRule]
PolicyRule verbs=1:[s] apiGroups=2:[s] resources=3:[s] resourceNames=4:[s] nonResourceURLs=5:[s]
Unknown typeMeta=1:TypeMeta raw=2:y contentEncoding=3:s contentType=4:s
TypeMeta apiVersion=1:s kind=2:s
IntOrString type=1:i intVal=2:i strVal=3:s
Quantity string=1:s
`;

interface Field {
  readonly name: string;
  readonly type: string;
}

const messages = new Map<string, ReadonlyMap<number, Field>>();

function fieldsOf(type: string): ReadonlyMap<number, Field> | undefined {
  if (messages.size === 0) {
    for (const line of TYPES.trim().split('\n')) {
      const [name = '', ...members] = line.split(' ');
      messages.set(name, new Map(members.map(readMember)));
    }
  }
  return messages.get(type);
}

function readMember(member: string): [number, Field] {
  const match = /^(\w+)=(\d+):(.+)$/.exec(member);
  return [Number(match?.[2]), { name: match?.[1] ?? '', type: match?.[3] ?? '' }];
}

function refuse(why: string): StatusFailure {
  const message = `the body of the request was in protobuf that this server cannot read (${why}); send application/json`;
  return new StatusFailure(415, 'UnsupportedMediaType', message);
}

/** The object in a protobuf body. Throws StatusFailure 415 for types and members that are not known. */
export function readProtobuf(body: string): unknown {
  const bytes = Buffer.from(body, 'latin1');
  if (bytes.subarray(0, 4).toString('latin1') !== 'k8s\u0000') throw refuse('it does not begin as it must');
  const envelope = readMessage('Unknown', bytes.subarray(4));
  const { apiVersion, kind } = (envelope['typeMeta'] ?? {}) as { apiVersion?: string; kind?: string };
  const raw = Buffer.from(textAt(envelope, 'raw'), 'base64');
  return { apiVersion, kind, ...readMessage(kind ?? '', raw) };
}

function readMessage(type: string, bytes: Buffer): Members {
  const fields = fieldsOf(type);
  if (fields === undefined) throw refuse(`type ${type}`);
  const message: Members = {};
  const reader: Reader = { bytes, at: 0 };
  while (reader.at < bytes.length) {
    const tag = readNumber(reader);
    const part = readPart(reader, tag & 7);
    const field = fields.get(tag >>> 3);
    // Go writes members that are not set as empty ones.
    const isEmpty = typeof part === 'number' ? part === 0 : part.length === 0;
    if (field === undefined && !isEmpty) throw refuse(`member ${tag >>> 3} of ${type}`);
    if (field !== undefined && !(isEmpty && field.name !== 'replicas')) addPart(message, field, part);
  }
  return message;
}

function addPart(message: Members, field: Field, part: number | Buffer): void {
  const { name, type } = field;
  if (type === '-') return;
  if (type.startsWith('[')) {
    const held = (message[name] ?? []) as unknown[];
    message[name] = [...held, readValue(type.slice(1, -1), part)];
  } else if (type.startsWith('{')) {
    const [key, value] = readEntry(type.slice(1, -1), part);
    const map = (message[name] ?? {}) as Members;
    setMember(map, key, value);
    message[name] = map;
  } else {
    const value = readValue(type, part);
    if (value !== '' && !(isMessage(type) && Object.keys(value as object).length === 0)) message[name] = value;
  }
}

const isMessage = (type: string): boolean => type.length > 1;

function readValue(type: string, part: number | Buffer): unknown {
  if (typeof part === 'number') return type === 'b' ? part !== 0 : part;
  if (type === 's') return part.toString('utf8');
  if (type === 'y') return part.toString('base64');
  if (type === 'q') return readMessage('Quantity', part)['string'] ?? '0';
  if (type === 'x') {
    const value = readMessage('IntOrString', part);
    return value['type'] === 1 ? (value['strVal'] ?? '') : (value['intVal'] ?? 0);
  }
  return readMessage(type, part);
}

function readEntry(type: string, part: number | Buffer): [string, unknown] {
  if (typeof part === 'number') throw refuse('a map entry that is a number');
  const reader: Reader = { bytes: part, at: 0 };
  let key = '';
  let value: unknown = '';
  while (reader.at < part.length) {
    const tag = readNumber(reader);
    const piece = readPart(reader, tag & 7);
    if (tag >>> 3 === 1) key = String(readValue('s', piece));
    else value = readValue(type, piece);
  }
  return [key, value];
}

interface Reader {
  readonly bytes: Buffer;
  at: number;
}

function readPart(reader: Reader, wire: number): number | Buffer {
  if (wire === 0) return readNumber(reader);
  if (wire !== 2) throw refuse(`wire type ${wire}`);
  const length = readNumber(reader);
  const part = reader.bytes.subarray(reader.at, reader.at + length);
  if (part.length < length) throw refuse('it ends too early');
  reader.at += length;
  return part;
}

function readNumber(reader: Reader): number {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.bytes[reader.at];
    if (byte === undefined) throw refuse('it ends too early');
    reader.at += 1;
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return Number(BigInt.asIntN(64, value));
  }
  throw refuse('a number that is too long');
}
