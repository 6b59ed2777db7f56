/* Every operation of today's API, by name; those without a function are not built yet. */
#include <stdlib.h>
#include <string.h>

#include "api_impl.h"

#define BUILT(name, op) { name, op_##op, op_##op##_members, NULL, NULL }
#define READS(name, op, read) { name, op_##op, op_##op##_members, read, NULL }
#define TESTS(name, op, read, test) { name, op_##op, op_##op##_members, read, test }
#define LATER(name) { name, NULL, NULL, NULL, NULL }

const struct api_op api_ops[] = {
	LATER("BatchExecuteStatement"),
	READS("BatchGetItem", batch_get, op_batch_read),
	READS("BatchWriteItem", batch_write, op_batch_read),
	LATER("CancelBulkOperation"),
	LATER("CreateBackup"),
	LATER("CreateGlobalTable"),
	TESTS("CreateTable", table_create, op_table_spec_read, op_table_spec_test),
	LATER("DeleteBackup"),
	BUILT("DeleteItem", item_delete),
	LATER("DeleteResourcePolicy"),
	BUILT("DeleteTable", table_delete),
	LATER("DescribeBackup"),
	LATER("DescribeBulkOperation"),
	BUILT("DescribeContinuousBackups", info_backups),
	LATER("DescribeContributorInsights"),
	BUILT("DescribeEndpoints", info_endpoints),
	LATER("DescribeExport"),
	LATER("DescribeGlobalTable"),
	LATER("DescribeGlobalTableSettings"),
	LATER("DescribeImport"),
	LATER("DescribeKinesisStreamingDestination"),
	BUILT("DescribeLimits", info_limits),
	LATER("DescribeStream"),
	BUILT("DescribeTable", table_describe),
	LATER("DescribeTableReplicaAutoScaling"),
	BUILT("DescribeTimeToLive", ttl_describe),
	LATER("DisableKinesisStreamingDestination"),
	LATER("EnableKinesisStreamingDestination"),
	LATER("ExecuteStatement"),
	LATER("ExecuteTransaction"),
	LATER("ExportTableToPointInTime"),
	BUILT("GetItem", item_get),
	LATER("GetRecords"),
	LATER("GetResourcePolicy"),
	LATER("GetShardIterator"),
	LATER("ImportTable"),
	LATER("ListBackups"),
	LATER("ListBulkOperations"),
	LATER("ListContributorInsights"),
	LATER("ListExports"),
	LATER("ListGlobalTables"),
	LATER("ListImports"),
	LATER("ListStreams"),
	BUILT("ListTables", table_list),
	BUILT("ListTagsOfResource", tag_list),
	BUILT("PutItem", item_put),
	LATER("PutResourcePolicy"),
	BUILT("Query", query),
	LATER("RestoreTableFromBackup"),
	LATER("RestoreTableToPointInTime"),
	BUILT("Scan", query_scan),
	LATER("SearchVectors"),
	LATER("StartBulkPutItems"),
	READS("TagResource", tag, op_table_spec_read),
	READS("TransactGetItems", tx_get, op_tx_read),
	READS("TransactWriteItems", tx_write, op_tx_read),
	READS("UntagResource", tag_remove, op_table_spec_read),
	TESTS("UpdateContinuousBackups", info_backups_update, op_table_spec_read, op_info_backups_test),
	LATER("UpdateContributorInsights"),
	LATER("UpdateGlobalTable"),
	LATER("UpdateGlobalTableSettings"),
	BUILT("UpdateItem", item_update),
	LATER("UpdateKinesisStreamingDestination"),
	TESTS("UpdateTable", table_update, op_table_spec_read, op_table_spec_test),
	LATER("UpdateTableReplicaAutoScaling"),
	TESTS("UpdateTimeToLive", ttl_update, op_table_spec_read, op_ttl_test),
};
const size_t api_ops_n = sizeof api_ops / sizeof api_ops[0];

static int compare(const void *name, const void *op)
{
	return bytes_cmp(*(const struct bytes *)name, bytes_str(((const struct api_op *)op)->name));
}

const struct api_op *api_op_find(struct bytes name)
{
	return bsearch(&name, api_ops, api_ops_n, sizeof api_ops[0], compare);
}
