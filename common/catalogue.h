/*
 * catalogue: what everyone knows of the catalogue before reading it.  It is replication group 1, and table 1 with partition key "pk" S and
 * sort key "sk" S; its rows are ordinary items, written by the active ddb-autoadmin alone (DESIGN, D8).
 */
#ifndef COMMON_CATALOGUE_H
#define COMMON_CATALOGUE_H

#define CATALOGUE_TABLE 1u
#define CATALOGUE_GROUP 1u
#define CATALOGUE_SCHEMA 1u
#define CATALOGUE_REPLICAS 3u        /* the first nodes of the cluster file, fewer if there are fewer */

#endif
