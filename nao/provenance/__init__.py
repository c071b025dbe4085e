"""Where every artefact comes from: fingerprints of code, records of jobs, and their audit."""
