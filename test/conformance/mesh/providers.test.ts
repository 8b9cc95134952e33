// Every mesh provider with weights sits the exam, in a real client over the embedded API server, under the vendors' schemas where they are present.
import { examineMesh } from './exam.ts';
import { EXAMINED_SUBJECTS } from './subjects.ts';

for (const subject of EXAMINED_SUBJECTS) examineMesh(subject);
