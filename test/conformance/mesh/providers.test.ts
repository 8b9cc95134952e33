// Every mesh provider with weights sits the exam, in a real client over the embedded API server, under the vendors' schemas where they are present.
import { examineMesh } from './exam.ts';
import { appmeshV1beta1 } from './subject-appmesh-v1beta1.ts';
import { appmeshV1beta2 } from './subject-appmesh-v1beta2.ts';
import { gatewayApi } from './subject-gateway-api.ts';
import { istio, istioDelegate, istioTcp } from './subject-istio.ts';
import { smi } from './subject-smi.ts';

for (const subject of [istio, istioDelegate, istioTcp, gatewayApi, smi, appmeshV1beta1, appmeshV1beta2])
  examineMesh(subject);
