/** The CRDs are kept when the chart is uninstalled, and may be older or newer than the operator: they say which. */
import type { V1CustomResourceDefinition } from '@kubernetes/client-node';
import { annotationNames, group } from './api/names.ts';
import { crdVersion, kinds } from './api/types.gen.ts';
import { type ApiObject, type Client, isForbidden, type Logger, type ResourceType } from './runtime/index.ts';

const definitions: ResourceType<ApiObject<V1CustomResourceDefinition>> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};

/** What keeps the operator from working with the CRDs there, and what to do about it; undefined when nothing does. */
export async function crdProblem(client: Client, log: Logger, signal: AbortSignal): Promise<string | undefined> {
  for (const { plural } of Object.values(kinds)) {
    const name = `${plural}.${group}`;
    try {
      const definition = await client.find(definitions, { name }, { signal });
      const problem = versionProblem(
        name,
        definition?.metadata.annotations?.[annotationNames.crdVersion],
        definition !== undefined,
      );
      if (problem !== undefined) return problem;
    } catch (error) {
      if (!isForbidden(error)) throw error;
      log.warn({ crd: name, error: error.message }, 'the version of the CRDs cannot be checked');
      return undefined;
    }
  }
  return undefined;
}

/** Newer ones only add what this operator does not know. */
export function versionProblem(name: string, version: string | undefined, isThere: boolean): string | undefined {
  const cure =
    'upgrade the chart with crds.install=true, or apply the CRDs of this release (kubectl apply --server-side -f crds/)';
  if (!isThere) return `the CRD ${name} is not installed: ${cure}`;
  const found = Number(version);
  if (Number.isInteger(found) && found >= Number(crdVersion)) return undefined;
  return `the CRD ${name} is of version ${version ?? 'none'}, this operator needs ${crdVersion}: ${cure}`;
}
