// The mesh providers with weights that sit the exam.
import type { MeshSubject } from './subject.ts';
import { appmeshV1beta1 } from './subject-appmesh-v1beta1.ts';
import { appmeshV1beta2 } from './subject-appmesh-v1beta2.ts';
import { gatewayApi } from './subject-gateway-api.ts';
import { istio, istioDelegate, istioTcp } from './subject-istio.ts';
import { smi } from './subject-smi.ts';

/** In the order in which they are examined. */
export const EXAMINED_SUBJECTS: readonly MeshSubject[] = [
  istio,
  istioDelegate,
  istioTcp,
  gatewayApi,
  smi,
  appmeshV1beta1,
  appmeshV1beta2,
];
